/**
 * What every runner has to get right, for those who write one of their own.
 *
 * @module
 */
export { type RunnerCase, type RunnerConformanceOptions, runnerConformance } from "./runner-cases.ts";
