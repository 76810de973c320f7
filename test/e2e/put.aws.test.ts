import { putSuite } from "./put-suite.ts";

putSuite("Lambda", () => ({ runner: "aws" }));
putSuite("ECS", () => ({ runner: "aws" }), { service: "ecs" });
