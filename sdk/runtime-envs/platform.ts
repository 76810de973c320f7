import type { Lane, Offer } from "../core/offer.ts";

/** Which compiled code an executor can load. */
export interface Platform {
  readonly os: string;
  readonly cpu: string;
  /** Of Linux. */
  readonly libc?: string;
}

/** This machine's. */
export function thisPlatform(): Platform {
  const { platform: os, arch: cpu } = process;
  if (os !== "linux") return { os, cpu };
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return { os, cpu, libc: header?.glibcVersionRuntime ? "glibc" : "musl" };
}

/** Lambda is Amazon Linux and the stack's default image Debian: both have glibc. */
const cloud = (architecture: string | undefined): Platform => ({
  os: "linux",
  cpu: architecture === "arm64" ? "arm64" : "x64",
  libc: "glibc",
});

export function platformOf({ service, architecture }: Pick<Lane, "service" | "architecture">): Platform {
  if (service === "local" || service === "custom") return thisPlatform();
  return cloud(service === "ec2" ? "x86_64" : architecture);
}

export const nameOfPlatform = ({ os, cpu, libc }: Platform): string => [os, cpu, ...(libc ? [libc] : [])].join("-");

/** The platforms of all executors that there may be. */
export function platformsOf(offer: Offer): Platform[] {
  const all = offer.map((part) =>
    platformOf({ service: part.service, ...("architecture" in part ? { architecture: part.architecture } : {}) }),
  );
  return [...new Map(all.map((platform) => [nameOfPlatform(platform), platform])).values()];
}
