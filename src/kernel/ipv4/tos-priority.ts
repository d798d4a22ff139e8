/** The priority that a type of service stands for (net/ipv4/route.c). */

/** By the four bits of the type of service, TC_PRIO_*: best effort 0, bulk 2, interactive bulk 4, interactive 6. */
const IP_TOS2PRIO: readonly number[] = [0, 0, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4];

/** @kernel include/net/route.h rt_tos2priority */
export function rtTos2priority(tos: number): number {
  return IP_TOS2PRIO[(tos & 0x1e) >> 1]!;
}
