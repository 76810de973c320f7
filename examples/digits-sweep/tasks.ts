import { task } from "stratolab";
import type { Digits } from "./digits.ts";
import { CLASSES } from "./families/family.ts";
import { type Division, divide, type Fold } from "./folds.ts";
import { toSamples } from "./images.ts";
import { type Model, predict, train } from "./models.ts";
import { fitProjection, type Projection, project } from "./projection.ts";
import { type RankedSetting, rank, type Score } from "./ranking.ts";
import type { Samples } from "./samples.ts";
import { accuracy, confusion } from "./statistics.ts";
import type { Setting } from "./sweep.ts";

export const loadSamples = task({
  name: "loadSamples",
  run: ({ digits }: { digits: Digits }) => toSamples(digits),
});

export const makeFold = task({
  name: "makeFold",
  run: ({ samples, fold, division }: { samples: Samples; fold: number; division: Division }) =>
    divide(samples, fold, division),
});

export const trainModel = task({
  name: "trainModel",
  run: ({ setting, fold }: { setting: Setting; fold: Fold }) => train(setting, fold.train),
});

export const evaluateModel = task({
  name: "evaluateModel",
  run: ({ model, fold }: { model: Model; fold: Fold }): Score => ({
    setting: model.setting,
    accuracy: accuracy(fold.validation.labels, predict(model, fold.validation)),
    trainMs: model.trainMs,
  }),
});

export const rankSettings = task({
  name: "rankSettings",
  run: ({ scores }: { scores: Score[][] }) => rank(scores),
});

/** The best setting once more, on all there is to learn from: the longest task, and on AWS not Lambda's. */
export const trainWinner = task({
  name: "trainWinner",
  runnerOptions: { executor: "ecs", numCpus: 1, memoryMb: 2048 },
  run: ({ samples, ranking }: { samples: Samples; ranking: RankedSetting[] }) => {
    const [{ setting }] = ranking;
    const projection = fitProjection(samples, setting.components);
    return { projection, model: train(setting, project(projection, samples)) };
  },
});

/** How the winner does on digits that had no part in training or choosing it. */
export const testWinner = task({
  name: "testWinner",
  run: ({ winner, samples }: { winner: { projection: Projection; model: Model }; samples: Samples }) => {
    const predictions = predict(winner.model, project(winner.projection, samples));
    return {
      setting: winner.model.setting,
      accuracy: accuracy(samples.labels, predictions),
      confusion: confusion(samples.labels, predictions, CLASSES),
    };
  },
});
