import { expect, test } from "vitest";
import { OwnRequests } from "../../sdk/driver/own-requests.ts";
import { RequestMeter } from "../../sdk/stores/request-meter.ts";

const WRITE = 0.625e-6;

function accounts() {
  const meter = new RequestMeter();
  const usd = [0, 0];
  let asked = 0;
  const own = new OwnRequests(
    meter,
    ({ writes }) => {
      asked += writes;
    },
    (run, more) => {
      usd[run] += more;
    },
  );
  return { meter, own, asked: () => asked, writes: () => usd.map((each) => Math.round((each / WRITE) * 100) / 100) };
}

test("what is asked before a run, for it, is its own; what a lab asked without one is nobody's", () => {
  const { meter, own, asked, writes } = accounts();
  meter.write(5);
  const mark = own.mark();
  meter.write(2);
  own.begin(0, mark);
  expect(writes()).toEqual([2, 0]);
  // The stores take it all, whoever bears it.
  expect(asked()).toBe(7);
});

test("runs share what is asked while they are there", () => {
  const { meter, own, writes } = accounts();
  own.begin(0, own.mark());
  meter.write(1);
  own.begin(1, own.mark());
  expect(writes()).toEqual([1, 0]);
  meter.write(4);
  own.settle();
  own.settle();
  expect(writes()).toEqual([3, 2]);
});

test("a run's last write is on its account before it is made, and nothing after", () => {
  const { meter, own, writes } = accounts();
  own.begin(0, own.mark());
  own.begin(1, own.mark());
  own.end(0, true);
  own.end(1, false);
  meter.write(7);
  own.settle();
  own.end(0, true);
  expect(writes()).toEqual([1, 0]);
});

test("where requests are free, nothing is charged", () => {
  const own = new OwnRequests(
    undefined,
    () => expect.unreachable(),
    () => expect.unreachable(),
  );
  own.begin(0, own.mark());
  own.end(0, true);
});
