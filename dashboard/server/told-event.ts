import { inspect } from "node:util";
import { causeOf } from "../../sdk/driver/failures.ts";
import { type ChronicleEvent, hasBit } from "../../sdk/wire/chronicle.ts";
import type { ToldChild, ToldEvent } from "../model/told-run.ts";

/**
 * An event of a chronicle without bytes: sets as positions, errors as text.
 *
 * @param fresh Tasks that the run has since this event.
 */
export function toldEvent(event: ChronicleEvent, fresh: readonly ToldChild[] = []): ToldEvent {
  switch (event.type) {
    case "nested": {
      const { plan: _, ...rest } = event;
      const of = (bits: Uint8Array) => positions(bits).map((index) => event.positions[index]);
      return { ...rest, wanted: of(event.wanted), cached: of(event.cached), fresh };
    }
    case "driven":
      return { ...event, wanted: positions(event.wanted), cached: positions(event.cached) };
    case "failed": {
      const { error, ...rest } = event;
      return error ? { ...rest, stack: stackOf(causeOf(error)) } : rest;
    }
    default:
      return event;
  }
}

const positions = (bits: Uint8Array): number[] =>
  Array.from({ length: bits.byteLength * 8 }, (_, position) => position).filter((position) => hasBit(bits, position));

/** Stack and causes, without colours. */
const stackOf = (error: unknown): string => inspect(error, { depth: 3, breakLength: 120, maxStringLength: 2_000 });
