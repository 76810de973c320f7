/** A file of the user's, or a package, as far as a task's code reaches it. */
export interface CodePart {
  readonly kind: "file" | "package";
  /** Path from the project's folder on, or name of the package. */
  readonly name: string;
  /** Of a package. */
  readonly version?: string;
  /** Of what is reached of it, without comments; of a package with compiled code, of its version. */
  readonly hash: string;
}

/** The code of a version; behind its plus is what the runtime environment has of it. */
export const codeOfVersion = (version: string): string => version.split("+")[0] as string;
