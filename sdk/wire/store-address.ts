/** Where a lab's control table and object store are; enough to open them in another process. */
export type StoreAddress =
  /** `temporary`: it goes with the lab. */
  | { readonly kind: "local"; readonly directory: string; readonly temporary?: true }
  /** Both stores in one bucket, below a prefix that is empty or ends in a slash. */
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string }
  | { readonly kind: "aws"; readonly table: string; readonly bucket: string; readonly region?: string };
