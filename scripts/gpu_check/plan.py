"""The plan of a call: predicted seconds of its parts, by the order in which they would start."""
import heapq

from .parts import CALL_SECONDS, CLOSING


def schedule(parts, slots):
    """[(part, predicted start)], and the predicted end: side by side in `slots`, then one after the other."""
    ends, begins, now = [0.0] * slots, [], 0.0
    for part in (p for p in parts if not p.alone):
        start = heapq.heappop(ends)
        begins.append((part, start))
        heapq.heappush(ends, start + part.seconds)
    now = max(ends)
    for part in (p for p in parts if p.alone):
        begins.append((part, now))
        now += part.seconds
    return begins, now


def print_plan(calls, makers, make_places, args):
    for number in calls:
        args.call = number
        begins, end = schedule(makers[number](make_places()), args.slots)
        print(f"call {number}: {args.slots} processes side by side")
        print(f"{'priority':>8} {'part':24} {'starts':>6} {'predicted':>9} {'limit':>6}  how")
        for priority, (part, start) in enumerate(begins, 1):
            how = "alone" if part.alone else "side by side"
            how += f", up to {part.elastic[1]:.0f} s" if part.elastic else ""
            print(f"{priority:8} {part.name:24} {start:6.0f} {part.seconds:9.1f} {part.limit:6.0f}  {how}")
        print(f"call {number}: {end:.0f} s predicted of {CALL_SECONDS - CLOSING}, {CLOSING} s for table and archive\n")
