/** Where a lab's control table and object store are; enough to open them in another process. */
export type StoreAddress =
  | { readonly kind: "local"; readonly directory: string }
  | { readonly kind: "aws"; readonly table: string; readonly bucket: string; readonly region?: string };
