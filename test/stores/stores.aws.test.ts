import { inject } from "vitest";
import { openAwsStores } from "../../sdk/stores/aws/open.ts";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { testControlTable } from "./control-table-suite.ts";
import { testObjectStore } from "./object-store-suite.ts";

const open = () => {
  const outputs = inject("stackOutputs");
  return openAwsStores({ kind: "aws", table: outputs[StackOutput.table], bucket: outputs[StackOutput.bucket] });
};

testControlTable("DynamoDB", async () => ({ table: open().table }));
testObjectStore("S3", async () => ({ objects: open().objects }));
