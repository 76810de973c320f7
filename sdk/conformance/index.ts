/**
 * What every runner, and every storage of results, has to get right, for those who write one of their own.
 *
 * @module
 */

export { type RunnerCase, type RunnerConformanceOptions, runnerConformance } from "./runner-cases.ts";
export { type StorageCase, storageConformance } from "./storage-cases.ts";
