import { useEffect, useState } from "preact/hooks";
import { LivePage } from "./run-page.tsx";
import { RunsPage } from "./runs-page.tsx";

/** What the address asks for: `#/runs/<id>`, or the list. */
const runInAddress = () => /^#\/runs\/([^/]+)/.exec(location.hash)?.[1];

/** The dashboard: the list of runs, or one of them. */
export function App() {
  const [id, setId] = useState(runInAddress);
  useEffect(() => {
    const follow = () => setId(runInAddress());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return id === undefined ? <RunsPage /> : <LivePage key={id} id={id} />;
}
