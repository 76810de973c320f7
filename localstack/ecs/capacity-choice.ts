import { spreadOverProviders } from "./capacity-strategy.ts";
import { clientError, invalidParameter } from "./ecs-error.ts";
import type { Cluster, LaunchType, RunTaskInput } from "./wire.ts";

/** Where one ECS task is to run. */
export interface CapacityChoice {
  readonly launchType: LaunchType;
  /** Absent with a bare launch type. */
  readonly provider?: string;
}

const FARGATE_PROVIDERS: readonly string[] = ["FARGATE", "FARGATE_SPOT"];

/**
 * Where each of `count` ECS tasks is to run: as the launch type or strategy of the call says, else
 * by the cluster's default strategy, else on EC2. `ec2Providers` are the stand-in's own, which
 * every cluster is taken to be associated with.
 */
export function chooseCapacity(
  input: RunTaskInput,
  cluster: Cluster,
  ec2Providers: readonly string[],
  count: number,
): CapacityChoice[] {
  const { launchType, capacityProviderStrategy = [] } = input;
  if (launchType && capacityProviderStrategy.length > 0) {
    throw invalidParameter(
      "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
    );
  }
  if (launchType) return Array.from({ length: count }, () => ({ launchType: knownLaunchType(launchType) }));

  const strategy =
    capacityProviderStrategy.length > 0 ? capacityProviderStrategy : (cluster.defaultCapacityProviderStrategy ?? []);
  if (strategy.length === 0) return Array.from({ length: count }, () => ({ launchType: "EC2" }));
  const associated = [...(cluster.capacityProviders ?? []), ...ec2Providers];
  if (!strategy.every(({ capacityProvider }) => associated.includes(capacityProvider))) {
    throw invalidParameter(
      "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the " +
        "cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again.",
    );
  }
  const isFargate = ({ capacityProvider }: { capacityProvider: string }) =>
    FARGATE_PROVIDERS.includes(capacityProvider);
  if (strategy.some(isFargate) && !strategy.every(isFargate)) {
    throw invalidParameter(
      "The specified capacity provider strategy cannot contain both Fargate and Auto Scaling group capacity providers.",
    );
  }
  const providers = spreadOverProviders(strategy, count);
  if (providers.length < count) {
    throw invalidParameter(
      "The specified capacity provider strategy must contain at least one capacity provider with a weight " +
        "greater than 0.",
    );
  }
  return providers.map((provider) => ({
    launchType: FARGATE_PROVIDERS.includes(provider) ? "FARGATE" : "EC2",
    provider,
  }));
}

function knownLaunchType(launchType: LaunchType): LaunchType {
  if (launchType === "FARGATE" || launchType === "EC2") return launchType;
  throw clientError(`The ECS stand-in knows no launch type ${launchType}, only FARGATE and EC2.`);
}
