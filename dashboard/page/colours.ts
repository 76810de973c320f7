import { useEffect, useState } from "preact/hooks";
import type { Colours } from "./draw-timeline.ts";

/** The colours of the page's style, for what is drawn on a canvas; new ones when light turns dark. */
export function useColours(): Colours {
  const [colours, setColours] = useState(read);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const again = () => setColours(read);
    dark.addEventListener("change", again);
    return () => dark.removeEventListener("change", again);
  }, []);
  return colours;
}

function read(): Colours {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  return (name) => {
    let colour = known.get(name);
    if (colour === undefined) {
      // The style says both, light first: a canvas wants one of them.
      const pair = /light-dark\(([^,]+),([^)]+)\)/.exec(style.getPropertyValue(`--${name}`));
      colour = (pair?.[isDark ? 2 : 1] ?? "gray").trim();
      known.set(name, colour);
    }
    return colour;
  };
}
