import { type CodePart, codeOfVersion } from "../wire/code-part.ts";

/** One thing that is different now from when an earlier result was made. `text` says it in a few words. */
export type CacheChange =
  /** A value in the params. */
  | { readonly kind: "input"; readonly path: string; readonly text: string }
  /** A task in the params is another one, by changes of its own; none where nothing is known of the earlier one. */
  | {
      readonly kind: "dependency";
      readonly path: string;
      /** Its name. */
      readonly name: string;
      readonly changes: readonly CacheChange[];
      readonly text: string;
    }
  /** A file of the project whose code the task reaches, by its path from the project's folder on. */
  | { readonly kind: "file"; readonly file: string; readonly text: string }
  /** A package whose code the task reaches; versions are absent where it was not reached. */
  | {
      readonly kind: "package";
      readonly name: string;
      readonly from?: string;
      readonly to?: string;
      readonly text: string;
    }
  /** The `version` that the definition names, or whether it names one. */
  | { readonly kind: "version"; readonly text: string }
  /** Files, packages or the setup function of its runtime environment. */
  | { readonly kind: "environment"; readonly text: string }
  /** Other code; of which files is not known any more. */
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "namespace"; readonly from: string; readonly to: string; readonly text: string };

/** How the code of a task differs from what it was, file by file and package by package. */
function codeChanges(earlier: readonly CodePart[], now: readonly CodePart[]): CacheChange[] {
  const nameOf = ({ kind, name }: CodePart) => `${kind} ${name}`;
  const before = new Map(earlier.map((part) => [nameOf(part), part]));
  const after = new Map(now.map((part) => [nameOf(part), part]));
  const changes: CacheChange[] = [];
  for (const [name, part] of after) {
    const was = before.get(name);
    if (!was || was.hash !== part.hash) changes.push(changeOf(was, part));
  }
  for (const [name, part] of before) if (!after.has(name)) changes.push(changeOf(part, undefined));
  // What users have edited themselves comes first.
  const ranks = { file: 0, package: 1 };
  return changes.sort((a, b) => ranks[a.kind as "file" | "package"] - ranks[b.kind as "file" | "package"]);
}

function changeOf(was: CodePart | undefined, is: CodePart | undefined): CacheChange {
  const { kind, name } = (is ?? was) as CodePart;
  if (kind === "file") {
    const what = was && is ? "has changed" : is ? "is used now, and was not" : "is not used any more";
    return { kind, file: name, text: `${name} ${what}` };
  }
  const [from, to] = [was?.version, is?.version];
  const versions = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  return { kind, name, ...versions, text: `package ${name} ${packageText(was, is)}` };
}

function packageText(was: CodePart | undefined, is: CodePart | undefined): string {
  const shown = (part: CodePart) => (part.version ? ` (${part.version})` : "");
  if (!was) return `is used now${shown(is as CodePart)}, and was not`;
  if (!is) return `is not used any more${shown(was)}`;
  if (was.version !== is.version) return `was ${was.version}, is ${is.version}`;
  return `has changed${shown(is)}, or more or less of it is used`;
}

/** Versions that users give are marked in records, so that no hash can be taken for one. */
const OWN = "v:";

/** How a code version differs from an earlier one, as far as both are known. */
export function versionChanges(
  earlier: { readonly version: string; readonly parts: readonly CodePart[] | undefined },
  now: { readonly version: string; readonly parts: readonly CodePart[] | undefined },
): CacheChange[] {
  if (earlier.version === now.version) return [];
  if (earlier.version.startsWith(OWN) || now.version.startsWith(OWN)) {
    const text = `its version was ${shownVersion(earlier.version)}, is ${shownVersion(now.version)}`;
    return [{ kind: "version", text }];
  }
  const [before, after] = [earlier.version, now.version].map(codeOfVersion);
  const environment: CacheChange[] =
    earlier.version.slice(before.length) === now.version.slice(after.length)
      ? []
      : [{ kind: "environment", text: "its runtime environment has changed: files, packages or its setup function" }];
  if (before === after) return environment;
  const changes = earlier.parts && now.parts ? codeChanges(earlier.parts, now.parts) : [];
  if (changes.length > 0) return [...changes, ...environment];
  const why =
    earlier.parts && now.parts
      ? "its files are executed in another order"
      : "of which files the earlier one was is not known any more";
  return [{ kind: "code", text: `other code: ${why}` }, ...environment];
}

/** Versions that users gave are told whole, hashes by their beginning. */
const shownVersion = (version: string): string =>
  version.startsWith(OWN) ? JSON.stringify(version.slice(OWN.length)) : version.slice(0, 12);
