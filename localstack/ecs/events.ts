import type { EcsTask } from "./wire.ts";

/** A line that a container wrote. */
export interface ContainerLine {
  /** In milliseconds since 1970. */
  readonly time: number;
  readonly container: string;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** What the stand-in tells of its doings. */
export type EcsEvent =
  | { readonly kind: "task"; readonly task: EcsTask }
  | { readonly kind: "line"; readonly task: EcsTask; readonly line: ContainerLine }
  /** Something that does not work as on AWS, told once. */
  | { readonly kind: "warning"; readonly message: string };

export type EcsListener = (event: EcsEvent) => void;
