import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** 144 random bits, as they may stand in a URL. */
export const newToken = (): string => randomBytes(18).toString("base64url");

/** Whether two texts are the same, in a time that says nothing about where they differ. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** A request that may be answered: the path behind the token, decoded, and its query. */
export interface Allowed {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/**
 * Judges a request by its first line and host: the token is the first part of each path.
 *
 * @returns The status to refuse it with, or what is asked for.
 */
export function judge(
  request: { readonly method: string; readonly url: string; readonly host: string },
  token: string,
): Allowed | 400 | 403 | 405 {
  // A name that somebody points at this machine would make its pages ours.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.host)) return 403;
  let url: URL;
  let path: string[];
  try {
    url = new URL(request.url, "http://localhost");
    path = url.pathname.slice(1).split("/").map(decodeURIComponent);
  } catch {
    return 400;
  }
  const [given = "", ...rest] = path;
  if (!isSame(given, token)) return 403;
  if (request.method !== "GET" && request.method !== "HEAD") return 405;
  return { path: rest, query: url.searchParams };
}
