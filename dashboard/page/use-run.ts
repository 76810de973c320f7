import { useEffect, useRef, useState } from "preact/hooks";
import type { RunInfo } from "../../sdk/runs.ts";
import { newRunModel, type RunModel, takeIn } from "../model/run-model.ts";
import type { ToldNews, ToldRun } from "../model/told-run.ts";

/** A run as it is known at the moment. */
export interface KnownRun {
  readonly run: RunInfo;
  /** Undefined until the run's driver has written its tasks. It grows in place; `version` tells. */
  readonly model: RunModel | undefined;
  readonly version: number;
}

/** A run that is followed, or why it cannot be. */
export interface FollowedRun {
  readonly known: KnownRun | undefined;
  readonly trouble: string | undefined;
}

export function modelOf({ tasks, events }: ToldRun): RunModel | undefined {
  if (!tasks) return undefined;
  const model = newRunModel(tasks);
  takeIn(model, events);
  return model;
}

/** Follows a run: what is known of it once, and then the news as they come. */
export function useRun(id: string): FollowedRun {
  const [known, setKnown] = useState<KnownRun>();
  const [trouble, setTrouble] = useState<string>();
  const model = useRef<RunModel | undefined>(undefined);

  useEffect(() => {
    let source: EventSource | undefined;
    let isLeft = false;

    async function load() {
      const response = await fetch(`api/runs/${id}`);
      const told = (await response.json()) as ToldRun | { readonly error: string };
      if (isLeft) return;
      if ("error" in told) {
        setTrouble(told.error);
        return;
      }
      model.current = modelOf(told);
      setKnown({ run: told.run, model: model.current, version: model.current?.version ?? 0 });
      listen(told.events.length);
    }

    function listen(from: number) {
      source = new EventSource(`api/runs/${id}/events?from=${from}`);
      source.addEventListener("news", ({ data }: MessageEvent<string>) => {
        const { run, events, hasTasks } = JSON.parse(data) as ToldNews & { readonly hasTasks: boolean };
        setTrouble(undefined);
        if (hasTasks && !model.current) {
          // Its driver has written the tasks only now: from the start, then.
          source?.close();
          void load().catch(fail);
          return;
        }
        if (model.current && events.length > 0) takeIn(model.current, events);
        setKnown({ run, model: model.current, version: model.current?.version ?? 0 });
      });
      source.addEventListener("trouble", ({ data }: MessageEvent<string>) => {
        const { error, isGone } = JSON.parse(data) as { readonly error: string; readonly isGone: boolean };
        setTrouble(error);
        if (isGone) source?.close();
      });
      source.addEventListener("error", () => setTrouble("the dashboard does not answer: is it still running?"));
      source.addEventListener("open", () => setTrouble(undefined));
    }

    const fail = (error: unknown) => setTrouble((error as Error).message);
    void load().catch(fail);
    return () => {
      isLeft = true;
      source?.close();
    };
  }, [id]);
  return { known, trouble };
}
