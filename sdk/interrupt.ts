/** What Ctrl-C does while a run is active. */
interface InterruptHandler {
  /** Whether there is something to be done about it: otherwise it ends the process, as if nobody had listened. */
  isMeant(): boolean;
  /** First time: let what runs finish. */
  drain(): void;
  /** Second time: stop it. */
  stop(): void;
}

/** What shells report of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * Takes over Ctrl-C until the returned function is called. The script is told by its run's error, and
 * may go on; when it ends, its exit code says that it was interrupted.
 */
export function handleInterrupts(handler: InterruptHandler): () => void {
  let times = 0;
  const onInterrupt = () => {
    if (times === 0 && !handler.isMeant()) {
      process.off("SIGINT", onInterrupt);
      process.kill(process.pid, "SIGINT");
      return;
    }
    times += 1;
    if (times === 1) {
      // Only at the very end: an error that nobody caught would set it to 1 before.
      process.once("exit", () => {
        process.exitCode = INTERRUPTED;
      });
    }
    if (times === 1) handler.drain();
    else if (times === 2) handler.stop();
    else process.exit(INTERRUPTED);
  };
  process.on("SIGINT", onInterrupt);
  return () => {
    process.off("SIGINT", onInterrupt);
  };
}
