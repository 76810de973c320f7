import { takeStack } from "./this-stack.ts";

Object.assign(process.env, (await takeStack()).environment);
