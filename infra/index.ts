export type { Architecture, StratolabProps } from "./props.ts";
export { StratolabStack, type StratolabStackProps } from "./stack.ts";
export { Stratolab } from "./stratolab.ts";
