import type { ObjectStore } from "../sdk/stores/object-store.ts";
import { getObjectStream, getObjects, putObject } from "../sdk/stores/objects.ts";
import type { CodecExtensions } from "../sdk/wire/codec/extensions.ts";
import type { TaskObjects } from "../sdk/wire/definition.ts";

/** `ctx.put`, `ctx.get` and `ctx.getStream` of one attempt of a task. */
export const taskObjects = (objects: ObjectStore, extensions: CodecExtensions, taskKey: string): TaskObjects =>
  ({
    put: (value: unknown) => putObject(objects, value, extensions, { by: taskKey }),
    get: (refs: never) => getObjects(objects, refs, extensions),
    getStream: (ref: never) => getObjectStream(objects, ref),
  }) as TaskObjects;
