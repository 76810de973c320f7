import { openAwsStores } from "../../sdk/stores/aws/open.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { thisStack } from "../support/this-stack.ts";
import { testControlTable } from "./control-table-suite.ts";
import { testObjectStore } from "./object-store-suite.ts";

const open = () => {
  const outputs = thisStack().outputs;
  return openAwsStores({ kind: "aws", table: outputs[StackOutput.table], bucket: outputs[StackOutput.bucket] });
};

testControlTable("DynamoDB", async () => ({ table: open().table }));
testObjectStore("S3", async () => ({ objects: open().objects }));
