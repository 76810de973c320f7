import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { TransformOptions, TransformResult } from "esbuild";
import type { CodePart } from "../wire/code-part.ts";
import type { NativePackage } from "./packages.ts";

/** What one export reaches. */
export interface ReachedCode {
  /** Hash of it: its code version. */
  readonly version: string;
  /** The same by file and package. */
  readonly parts: readonly CodePart[];
}

/** What the code of one export was bundled to. */
interface BundledExport {
  /** Not minified: esbuild heads what is left of each module with its path. */
  readonly text: string;
  /** Paths of its modules, from the project's folder on. */
  readonly inputs: readonly string[];
}

interface Surroundings {
  readonly root: string;
  readonly native: ReadonlyMap<string, NativePackage>;
  readonly esbuildVersion: string;
  transform(code: string, options: TransformOptions): Promise<TransformResult>;
}

/** Digits of a code version: 64 bits tell any two of one's own programs apart. */
const VERSION_DIGITS = 16;
/** Of one part: they are only ever held against those of the same file. */
const PART_DIGITS = 12;

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Code of one owner, a file or a package, as it lies in the output: in one or several pieces. */
interface Owned {
  readonly part: Omit<CodePart, "hash">;
  readonly pieces: string[];
}

/** Takes what exports reach apart, by file and package; what several of them share is looked at once. */
export class CodeReader {
  readonly #surroundings: Surroundings;
  readonly #bare = new Map<string, Promise<string>>();
  readonly #packageVersions = new Map<string, string>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  async read(exported: BundledExport): Promise<ReachedCode> {
    const owned = new Map<string, Owned>();
    const order: number[] = [];
    for (const { input, code } of piecesOf(exported)) {
      const part = input === undefined ? this.#helpers() : this.#ownerOf(input);
      const key = `${part.kind} ${part.name}`;
      const owner = owned.get(key) ?? { part, pieces: [] };
      owned.set(key, owner);
      owner.pieces.push(part.kind === "package" && input !== undefined ? withoutPlace(code, input) : code);
      order.push([...owned.keys()].indexOf(key));
    }
    const texts = await Promise.all([...owned.values()].map(({ pieces }) => this.#bareText(pieces.join("\n"))));
    const reached = [...owned.values()].map(({ part }, index) => this.#withoutNativePlaces(part, texts[index]));
    const code = reached.map(({ text }) => sha256(text));
    const natives = [...new Map(reached.flatMap(({ natives: of }) => of.map((each) => [each.name, each]))).values()];
    const parts = [
      ...reached.map(({ part }, index) => ({ ...part, hash: code[index].slice(0, PART_DIGITS) })),
      ...natives,
    ];
    // In which order modules are executed is a part of what they do; what they are called is none.
    const version = sha256(JSON.stringify([order, code, natives.map(({ name, version: its }) => [name, its])]));
    return { version: version.slice(0, VERSION_DIGITS), parts };
  }

  /** Without comments, line breaks and indentation. */
  #bareText(code: string): Promise<string> {
    let bare = this.#bare.get(code);
    if (!bare) {
      const options: TransformOptions = {
        loader: "js",
        minifyWhitespace: true,
        legalComments: "none",
        logLevel: "silent",
      };
      bare = this.#surroundings.transform(code, options).then((result) => result.code);
      this.#bare.set(code, bare);
    }
    return bare;
  }

  /** What esbuild itself adds, such as the call of a CommonJS module. */
  #helpers(): Omit<CodePart, "hash"> {
    return { kind: "package", name: "esbuild", version: this.#surroundings.esbuildVersion };
  }

  #ownerOf(input: string): Omit<CodePart, "hash"> {
    const [folder, name] = packageIn(input) ?? [];
    if (folder === undefined || name === undefined) return { kind: "file", name: input };
    return { kind: "package", name, version: this.#packageVersion(folder) };
  }

  #packageVersion(folder: string): string {
    let version = this.#packageVersions.get(folder);
    if (version === undefined) {
      const file = join(this.#surroundings.root, folder, "package.json");
      version = existsSync(file) ? String(JSON.parse(readFileSync(file, "utf8")).version ?? "") : "";
      this.#packageVersions.set(folder, version);
    }
    return version;
  }

  /** Packages with compiled code are known by their version: where they are installed is nobody's business. */
  #withoutNativePlaces(part: Omit<CodePart, "hash">, code: string) {
    let text = code;
    const natives: CodePart[] = [];
    for (const { name, version, folder } of [...this.#surroundings.native.values()]) {
      const url = pathToFileURL(folder).href;
      if (!text.includes(url)) continue;
      text = text.replaceAll(url, name);
      natives.push({ kind: "package", name, version, hash: sha256(version).slice(0, PART_DIGITS) });
    }
    return { part, text, natives };
  }
}

/** The folder of the package that a module is part of, and the package's name; undefined for the user's own. */
function packageIn(input: string): readonly [folder: string, name: string] | undefined {
  const [, folder, name] = /^(.*(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(input) ?? [];
  return folder === undefined || name === undefined ? undefined : [folder, name];
}

/** A CommonJS module of a package is named by its path, which tells where the package is installed. */
function withoutPlace(code: string, input: string): string {
  const [folder] = packageIn(input) ?? [];
  return folder === undefined ? code : code.replaceAll(`"${input}"(`, `"${input.slice(folder.length + 1)}"(`);
}

/** The output, cut where the next module begins; without an input what esbuild adds before the first. */
function piecesOf({ text, inputs }: BundledExport): { input: string | undefined; code: string }[] {
  const headers = new Map(inputs.map((input) => [`// ${input}`, input]));
  const pieces: { input: string | undefined; lines: string[] }[] = [{ input: undefined, lines: [] }];
  for (const line of withoutExports(text).split("\n")) {
    const input = headers.get(line);
    if (input === undefined) pieces.at(-1)?.lines.push(line);
    else pieces.push({ input, lines: [] });
  }
  return pieces.map(({ input, lines }) => ({ input, code: lines.join("\n") })).filter(({ code }) => code.trim() !== "");
}

/** Under what name it is exported is not part of what a task does; and no piece could export what another declares. */
function withoutExports(text: string): string {
  const at = text.lastIndexOf("\nexport {");
  return at < 0 ? text : text.slice(0, at);
}
