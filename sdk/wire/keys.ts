/**
 * Keys of items in the control table and of objects in the object store. Both stores, local and
 * AWS, use the same ones. No run writes under one partition key: results spread by their own hash,
 * feeds by shard, inboxes by executor, runs by namespace and day.
 */
import { dayOfRun, drawnPart } from "./run-id.ts";

/** Partition and sort key of an item. */
export interface ItemKey {
  readonly pk: string;
  readonly sk: string;
}

export const RESULT_PREFIX = "R#";

/** Result of a task, found by its cache key. */
export const resultKey = (taskKey: string): ItemKey => ({ pk: RESULT_PREFIX + taskKey, sk: "R" });

/** First part of partitions that hold results in packs; whoever looks through all results meets these, too. */
const PACK_PREFIX = `${RESULT_PREFIX}!`;

/**
 * Packs with results of one task type and code version. Without a prefix it is where headers lie, too.
 *
 * @param prefix First digits of the cache keys of all results in it.
 */
export const packPartition = (namespace: string, taskName: string, version: string, prefix = ""): string =>
  `${PACK_PREFIX}${prefix && `${prefix}!`}${namespace}#${taskName}#${version}`;

/** Headers of a task type say where else it may have results. They come before all packs, whose names never begin so. */
const PACK_HEADER = "!";

/** Says of a task type that it has results under their own keys, too. */
export const KEYED_HEADER = PACK_HEADER;

/** Says of a task type that it has packs in partitions by so many digits of keys, too. */
export const depthHeader = (depth: number): string => PACK_HEADER + depth;

/** Says of a task type that it is in the list of all types. */
export const LISTED_HEADER = `${PACK_HEADER}t`;

/** Whether an item beside packs is a header. */
export const isPackHeader = ({ sk }: Pick<ItemKey, "sk">): boolean => sk.startsWith(PACK_HEADER);

/** Of such a header the number of digits; undefined for any other item. */
export const depthOfHeader = ({ sk }: Pick<ItemKey, "sk">): number | undefined =>
  isPackHeader({ sk }) && sk !== KEYED_HEADER && sk !== LISTED_HEADER
    ? Number(sk.slice(PACK_HEADER.length))
    : undefined;

/** Whether an item holds results in a pack, or says something about packs. */
export const isOfPacks = ({ pk }: ItemKey): boolean => pk.startsWith(PACK_PREFIX);

/** The list of all task types that may have results in packs: whoever knows nothing but a key goes by it. */
export const TYPES_PARTITION = "TYPES";

/** A task type and code version in that list. */
export const typeKey = (namespace: string, taskName: string, version: string): ItemKey => ({
  pk: TYPES_PARTITION,
  sk: `${namespace}#${taskName}#${version}`,
});

/** Who holds an object that a lab has put: one partition for each object. */
export const HOLDER_PREFIX = "H#";
const DELETED_PREFIX = "GONE#";

/** That a result was deleted, and when. */
export const deletedKey = (taskKey: string): ItemKey => ({ pk: DELETED_PREFIX + taskKey, sk: "GONE" });

export const CODE_PREFIX = "CODE#";

/** What a code version is made of, by file and package. */
export const codeKey = (version: string): ItemKey => ({ pk: CODE_PREFIX + version, sk: "CODE" });

export const CHECKPOINT_PREFIX = "CP#";

/** State that a task saved on its way. */
export const checkpointKey = (taskKey: string): ItemKey => ({ pk: CHECKPOINT_PREFIX + taskKey, sk: "CP" });

/** All labs lie in one partition: each says something every ten seconds, and a clean-up asks for all of them. */
export const LABS_PARTITION = "LABS";

/** Until when a lab is known to be alive; its executors leave when it is over. */
export const labKey = (labId: string): ItemKey => ({ pk: LABS_PARTITION, sk: labId });

/** Held by the clean-up that is going on, and whether it is deleting objects at this moment. */
export const SWEEP_KEY: ItemKey = { pk: "GC", sk: "GC" };

export const RUN_PREFIX = "RUN#";

/** The runs of a namespace that began on one day, which is the first part of their ids. */
export const runsPartition = (namespace: string, day: string): string => `${RUN_PREFIX}${namespace}#${day}`;

/** What is known of a run, and who drives it. */
export const runKey = (namespace: string, runId: string): ItemKey => ({
  pk: runsPartition(namespace, dayOfRun(runId)),
  sk: runId,
});

export const journalPartition = (namespace: string): string => `JOURNAL#${namespace}`;

/** What a driver has in flight of a run, in pages. */
export const journalKey = (namespace: string, runId: string, page: number): ItemKey => ({
  pk: journalPartition(namespace),
  sk: `${runId}#${String(page).padStart(4, "0")}`,
});

export const CHRONICLE_PREFIX = "LOG#";

/** What happened in a run. */
export const chroniclePartition = (namespace: string, runId: string): string =>
  `${CHRONICLE_PREFIX}${namespace}#${runId}`;

/** One page of it: those of a later driver come after those of an earlier one. */
export const chronicleKey = (namespace: string, runId: string, epoch: number, page: number): ItemKey => ({
  pk: chroniclePartition(namespace, runId),
  sk: `${String(epoch).padStart(6, "0")}#${String(page).padStart(8, "0")}`,
});

export const CHILD_FAILURES_PREFIX = "NESTED#";

/** What failed of the tasks that tasks of a run have run. */
export const childFailuresPartition = (namespace: string, runId: string): string =>
  `${CHILD_FAILURES_PREFIX}${namespace}#${runId}`;

/** A task that failed for one that runs it, by the cache keys of both. */
export const childFailureKey = (namespace: string, runId: string, parent: string, child: string): ItemKey => ({
  pk: childFailuresPartition(namespace, runId),
  sk: `${parent}#${child}`,
});

/** Durations and sizes learned of a task type. */
export const statisticsKey = (namespace: string, taskName: string): ItemKey => ({
  pk: `STATS#${namespace}#${taskName}`,
  sk: "STATS",
});

/**
 * What executors have brought of the inputs of a task that several have a part of. It is of one run.
 *
 * @param item Tells the task and its attempt.
 */
export const fanInKey = (runId: string, item: string): ItemKey => ({ pk: `FANIN#${runId}#${item}`, sk: "FANIN" });

export const INBOX_PREFIX = "IN#";

/** Assignments of one ECS executor, in order of their number. */
export const inboxKey = (executorId: string, number: number): ItemKey => ({
  pk: INBOX_PREFIX + executorId,
  sk: String(number).padStart(10, "0"),
});

/** Whose inbox an invocation of Lambda looks into: it has no name of its own that the driver knows. */
export const invocationInbox = (lab: string, assignmentId: string): string => `${lab}.${assignmentId}`;

export const FEED_PREFIX = "FEED#";

/** One shard of a feed: what executors tell a driver that does not wait on a socket. */
export const feedPartition = (feed: string, shard: number): string => `${FEED_PREFIX}${feed}#${shard}`;

/** One event in a feed: sorted by when it was written, then by who wrote it. */
export const feedSortKey = (writtenAtMs: number, executorId: string, sequence: number): string =>
  `${String(writtenAtMs).padStart(15, "0")}#${executorId}#${String(sequence).padStart(8, "0")}`;

/** First parts of all objects' keys. */
export const OBJECT_FOLDERS = ["results", "content", "checkpoints", "bundles", "runtime"] as const;

const RESULT_OBJECTS = "results";

/** How much of a hash is in the name of a result. */
export const RESULT_HASH_LENGTH = 16;

/** A task's result; the content hash keeps two attempts' results apart. */
export const resultObject = (taskKey: string, contentHash: string): string =>
  `${RESULT_OBJECTS}/${taskKey.slice(0, 2)}/${taskKey}-${contentHash.slice(0, RESULT_HASH_LENGTH)}`;

/** The same for a result that is kept for its run only: no two runs share one, so that each can delete its own. */
export const resultObjectOfRun =
  (runId: string) =>
  (taskKey: string, contentHash: string): string =>
    `${resultObjectsOfRun(taskKey, runId)}${contentHash.slice(0, RESULT_HASH_LENGTH)}`;

/** What the names of all such objects of a task and a run begin with. */
export const resultObjectsOfRun = (taskKey: string, runId: string): string =>
  `${RESULT_OBJECTS}/${taskKey.slice(0, 2)}/${taskKey}-${drawnPart(runId)}-`;

const RUN_IN_NAME = /(results\/[^/\s]{1,2}\/\w+)-[0-9a-z]{6}(?=-[0-9a-f]{16})/g;

/** Names of results, in a text, without the runs that they are kept for: equal values have equal names then. */
export const withoutRuns = (text: string): string => text.replace(RUN_IN_NAME, "$1");

const OWN_STORAGE = "own";

/** The same, in a storage that its task type brings along. */
export const ownStorageObject =
  (taskName: string) =>
  (taskKey: string, contentHash: string): string =>
    `${OWN_STORAGE}/${taskName}/${taskKey}-${contentHash.slice(0, 16)}`;

/** Of which task type an object is that lies in such a storage, and its key there; undefined for all others. */
export function ownStorageTask(object: string): { readonly taskName: string; readonly key: string } | undefined {
  const [folder, taskName] = object.split("/", 2);
  if (folder !== OWN_STORAGE || taskName === undefined) return undefined;
  return { taskName, key: object.slice(OWN_STORAGE.length + 1) };
}

/**
 * A state that a task saved on its way, where it is too large for an item. No two attempts share one,
 * though they save the same: each deletes its own.
 */
export const checkpointObject = (taskKey: string, contentHash: string, runStartedAt: number, attempt: number): string =>
  `checkpoints/${taskKey.slice(0, 2)}/${taskKey}-${runStartedAt}-${attempt}-${contentHash.slice(0, 16)}`;

/** Params, contexts and whatever else is known by its content alone. */
export const contentObject = (contentHash: string): string =>
  `content/${contentHash.slice(0, 2)}/${contentHash.slice(0, 40)}`;

/** Whether an object is known by what it holds, and not by the task that it is the result of. */
export const isContentObject = (object: string): boolean => object.startsWith("content/");

const STREAM_END = "-bytes";

/** Bytes that were put as a stream, under a name that was drawn. */
export const streamObject = (id: string): string => contentObject(id) + STREAM_END;

/** Whether an object holds the bytes of a stream, which name nothing. */
export const isStreamObject = (object: string): boolean => object.endsWith(STREAM_END);

/** The user's code. */
export const bundleObject = (hash: string): string => `bundles/${hash}.mjs`;

/** Source map of a bundle, for the stacks of errors. */
export const bundleMapObject = (hash: string): string => `bundles/${hash}.mjs.map`;

/** The runtime that a container fetches. */
export const runtimeObject = (hash: string): string => `runtime/${hash}.mjs`;
