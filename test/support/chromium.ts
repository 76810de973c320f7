import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PATH = "/usr/bin/chromium";

/** A real browser without a window, which speaks to nobody of its own accord. @throws where there is none, with how to get it. */
export function launchChromium(): Promise<Browser> {
  if (!existsSync(PATH)) throw new Error(`there is no ${PATH}: apt-get install chromium`);
  const quiet = ["--disable-background-networking", "--disable-component-update", "--no-first-run"];
  return chromium.launch({ executablePath: PATH, args: ["--no-sandbox", "--disable-gpu", ...quiet] });
}
