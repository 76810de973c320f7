import { DEFAULT_DEMAND, type Demand } from "../../sdk/core/demand.ts";
import type { Ec2Offer, FargateOffer, LambdaOffer, Lane, MachineOffer, Offer } from "../../sdk/core/offer.ts";
import { type Placement, route } from "../../sdk/core/route.ts";

export const LAMBDA_OFFER: LambdaOffer = {
  service: "lambda",
  memoriesMb: [512, 1_024, 1_769, 3_538, 5_307, 10_240],
  timeoutMs: 900_000,
  ephemeralStorageMb: 2_048,
  concurrency: 1_000,
};
export const FARGATE_SPOT: FargateOffer = { service: "fargate", spot: true, maxEcsTasks: 100 };
export const FARGATE: FargateOffer = { service: "fargate", spot: false, maxEcsTasks: 100 };
export const EC2_OFFER: Ec2Offer = {
  service: "ec2",
  instances: [
    { type: "g4dn.xlarge", gpuType: "t4", gpus: 1, vcpus: 4, memoryMb: 15_000 },
    { type: "g5.12xlarge", gpuType: "a10g", gpus: 4, vcpus: 48, memoryMb: 180_000 },
  ],
  maxInstances: 2,
  onDemand: true,
  spot: true,
};
export const AWS_OFFER: Offer = [LAMBDA_OFFER, FARGATE_SPOT, FARGATE, EC2_OFFER];

export const MACHINE: MachineOffer = {
  service: "local",
  name: "local",
  slots: 4,
  cpus: 4,
  memoryMb: 16_000,
  gpus: 1,
  resources: { licence: 2 },
  pooled: true,
};

/** A demand as runner options make it: one vCPU unless memory alone is asked for. */
export const demand = (asked: Partial<Demand> = {}): Demand => {
  const { numCpus: _, ...rest } = DEFAULT_DEMAND;
  return { ...("memoryMb" in asked ? rest : DEFAULT_DEMAND), ...asked };
};

/** Where a task goes that some executor fits. */
export function placementOf(asked: Partial<Demand>, offer: Offer): Placement {
  const placement = route(demand(asked), offer);
  if ("infeasible" in placement) throw new Error(placement.infeasible);
  return placement;
}

export const names = (lanes: readonly Lane[]): string[] => lanes.map(({ name }) => name);
