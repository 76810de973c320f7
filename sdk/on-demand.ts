/**
 * Parts of a lab that most scripts never ask for, loaded when they are asked for.
 *
 * Apart from the lab, since `import()` is dear in a large file: who runs a script with tsx pays for a source map of every
 * file that has one in it.
 */
export const planReport = () => import("./plan-report.ts");
export const summaries = () => import("./history/summary.ts");
export const histories = () => import("./history/run-history.ts");
export const logReader = () => import("./history/follow-log.ts");
export const explanations = () => import("./history/explain.ts");
export const heldObjectsReader = () => import("./held-objects.ts");
export const cacheStories = () => import("./history/cache-story.ts");
