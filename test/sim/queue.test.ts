import { describe, expect, it } from 'vitest';
import { EventQueue, WORK_LATENCY } from '../../src/sim/queue.ts';
import { Random } from '../../src/sim/random.ts';

describe('the event queue', () => {
  it('runs timers in order of time, and those of one time in order of arming', () => {
    const queue = new EventQueue();
    const order: string[] = [];
    queue.after(30, 'c', () => order.push('c'));
    queue.after(10, 'a', () => order.push('a'));
    queue.after(10, 'b', () => order.push('b'));
    while (queue.step());
    expect(order).toEqual(['a', 'b', 'c']);
    expect(queue.now).toBe(30);
  });

  it('runs deferred work after its latency, between the timers around it', () => {
    const queue = new EventQueue();
    const order: string[] = [];
    queue.after(WORK_LATENCY + 1, 'late', () => order.push('late'));
    queue.after(WORK_LATENCY - 1, 'early', () => order.push('early'));
    queue.defer((a: string, b: string) => order.push(a + b), 'wo', 'rk');
    while (queue.step());
    expect(order).toEqual(['early', 'work', 'late']);
  });

  it('forgets a cancelled timer and moves a rearmed one', () => {
    const queue = new EventQueue();
    const order: string[] = [];
    const gone = queue.after(5, 'gone', () => order.push('gone'));
    const moved = queue.after(5, 'moved', () => order.push('moved'));
    queue.after(7, 'fixed', () => order.push('fixed'));
    gone.cancel();
    queue.rearm(moved, 9);
    while (queue.step());
    expect(order).toEqual(['fixed', 'moved']);
    expect(gone.pending).toBe(false);
  });

  it('keeps the order of a thousand timers that are armed, moved and cancelled at random', () => {
    const random = new Random(7);
    const queue = new EventQueue();
    const fired: number[] = [];
    const timers = Array.from({ length: 1000 }, () => queue.after(random.below(500), 't', () => fired.push(queue.now)));
    for (const timer of timers) {
      const draw = random.below(3);
      if (draw === 0) timer.cancel();
      if (draw === 1) queue.rearm(timer, random.below(500));
    }
    while (queue.step());
    expect(fired).toEqual([...fired].sort((a, b) => a - b));
    expect(fired.length).toBeGreaterThan(500);
    expect(fired.length).toBeLessThan(1000);
  });

  it('runs deferred work at the end of the outermost section that holds it, with what follows from it', () => {
    const queue = new EventQueue();
    const seen: string[] = [];
    queue.held++;
    queue.defer(
      () => {
        seen.push('first');
        queue.defer(() => seen.push('second'), undefined, undefined);
      },
      undefined,
      undefined,
    );
    queue.held++;
    queue.release();
    expect(seen).toEqual([]);
    queue.release();
    expect(seen).toEqual(['first', 'second']);
    expect(queue.now).toBe(2 * WORK_LATENCY);
  });

  it('leaves what an event defers to the events behind it, unless the event stands for a process', () => {
    const queue = new EventQueue();
    const seen: string[] = [];
    const send = (name: string) => {
      queue.held++;
      queue.defer(() => seen.push(`${name} arrived`), undefined, undefined);
      queue.release();
      seen.push(`${name} sent`);
    };
    queue.after(10, 'timer', () => send('one'));
    queue.after(20_000, 'worker', () => queue.asProcess(() => send('two')));
    while (queue.step());
    expect(seen).toEqual(['one sent', 'one arrived', 'two arrived', 'two sent']);
  });

  it('goes on after a while when work defers more of itself without end', () => {
    const queue = new EventQueue();
    let runs = 0;
    const again = () => {
      runs++;
      queue.defer(again, undefined, undefined);
    };
    queue.held++;
    queue.defer(again, undefined, undefined);
    queue.release();
    const first = runs;
    expect(first).toBeGreaterThan(300);
    queue.held++;
    queue.release();
    expect(runs).toBe(first);
    expect(queue.deferred).toBe(1);
  });

  it('grows its ring of deferred work without losing the order', () => {
    const queue = new EventQueue();
    const seen: number[] = [];
    for (let i = 0; i < 40; i++) queue.defer((n: number) => seen.push(n), i, undefined);
    for (let i = 0; i < 20; i++) queue.step();
    for (let i = 40; i < 500; i++) queue.defer((n: number) => seen.push(n), i, undefined);
    while (queue.step());
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  it('stops at the given time and leaves what comes later', () => {
    const queue = new EventQueue();
    let ran = 0;
    queue.after(10, 'x', () => ran++);
    queue.after(20, 'y', () => ran++);
    queue.runUntil(15);
    expect([ran, queue.now, queue.nextAt, queue.nextLabel]).toEqual([1, 15, 20, 'y']);
  });
});

describe('the random numbers', () => {
  it('are the same for the same seed and differ for another', () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 4 },
        (
          (r) => () =>
            r.u32()
        )(new Random(seed)),
      );
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('come in streams that do not disturb each other', () => {
    const a = new Random(1);
    const b = new Random(1);
    a.stream('macs').u32();
    expect(a.stream('ports').u32()).toBe(b.stream('ports').u32());
    expect(a.stream('ports').u32()).not.toBe(a.stream('macs').u32());
  });
});
