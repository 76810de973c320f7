// Leaves out of what runs in the cloud what it never reaches: each new environment downloads and unpacks all of it.

import { readFile } from "node:fs/promises";

/**
 * There, credentials come from the environment or from the container's own endpoint, never from a profile, a login or
 * a process; nobody asks a browser for its name; and msgpackr does without its compiled part.
 */
const NEVER_REACHED =
  /^(@aws-sdk\/(credential-provider-(ini|sso|process|web-identity|login)|token-providers)|bowser|node-gyp-build-optional-packages)$/;

/** Says what a provider says that has no credentials: the next one is asked. */
const ABSENT = `
  const absent = () => async () => {
    throw Object.assign(new Error("there are no such credentials in the cloud"), { tryNextLink: true });
  };
  export { absent as default, absent as fromIni, absent as fromProcess, absent as fromSSO, absent as fromTokenFile };
`;

const SCHEMAS = /@aws-sdk.*[\\/]schemas[\\/]schemas_0\.js$/;
/** Asked for its version alone. */
const MANIFEST = /@aws-sdk.*[\\/]package\.json$/;
/** SHA-1 in JavaScript, for where Node has none of its own. */
const SECOND_SHA1 = /@aws-sdk.checksums.*Sha1Js\.js$/;
/** Errors are told by their names all the same. But for these, whose classes or contents are looked at, or which the SDK retries by class. */
const FEW_ERRORS = /client-(ssm|secrets-manager|dynamodb)/;
const LOOKED_AT = "ConditionalCheckFailed|TransactionCanceled|ReplicatedWriteConflict";
const REGISTERED = new RegExp(`^n0_registry\\.registerError\\((?!${LOOKED_AT}).*\\);$`, "gm");

/** An object with a computed key may have side effects, for all that esbuild knows, and stays; one with a plain key goes. */
function withPlainKeys(source) {
  const names = new Map([...source.matchAll(/^const (_\w+) = ("[^"\\]*");$/gm)].map(([, name, text]) => [name, text]));
  return source.replace(/\[(_\w+)\]:/g, (key, name) => (names.has(name) ? `${names.get(name)}:` : key));
}

export const withoutBallast = {
  name: "without-ballast",
  setup(build) {
    build.onResolve({ filter: NEVER_REACHED }, ({ path }) => ({ path, namespace: "never-reached" }));
    build.onLoad({ filter: /.*/, namespace: "never-reached" }, () => ({ contents: ABSENT }));
    build.onLoad({ filter: MANIFEST }, async ({ path }) => {
      const { version } = JSON.parse(await readFile(path, "utf8"));
      return { contents: JSON.stringify({ version }), loader: "json" };
    });
    build.onLoad({ filter: SECOND_SHA1 }, () => ({ contents: "export class Sha1Js {}" }));
    build.onLoad({ filter: SCHEMAS }, async ({ path }) => {
      const contents = withPlainKeys(await readFile(path, "utf8"));
      const isLess = FEW_ERRORS.test(path);
      return { contents: isLess ? contents.replace(REGISTERED, "") : contents };
    });
  },
};
