import { openAwsStores } from "../../sdk/stores/aws/open.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { thisStack } from "../support/this-stack.ts";
import { testControlTable } from "./control-table-suite.ts";
import { testObjectStore } from "./object-store-suite.ts";
import { testStreamMemory } from "./stream-memory.ts";

const address = () => {
  const { outputs } = thisStack();
  return { kind: "aws", table: outputs[StackOutput.table], bucket: outputs[StackOutput.bucket] } as const;
};
const open = () => openAwsStores(address());

testControlTable("DynamoDB", async () => ({ table: open().table }));
testObjectStore("S3", async () => ({ objects: open().objects }));
testStreamMemory("S3", address);
