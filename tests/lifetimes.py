"""Whether machine code finds in memory what it means to read: a second analysis, which plans nothing.

A build that checks memory keeps a log, in the order of the text: which variable an equation reads, which buffers it
loads from and stores to, when one is given back, where loops and branches begin and end.  The log is replayed, loops
twice, both sides of branches from the same state, and each buffer knows who wrote it last.  That must be who wrote it
when the variable that is read was made.
"""

from collections import defaultdict

from wengert.backends.llvm.arrays import Buffer, Stored
from wengert.ir.program import Var

NOBODY = "nobody"


class WrongLifetime(AssertionError):
    pass


def verify(lowered):
    """Raises WrongLifetime."""
    logs = defaultdict(list)
    for what, function, *details in lowered.log:
        logs[function].append((what, details))
    for log in logs.values():
        Replay(log).part(0, len(log))


def reads_of(x):
    """Names of the buffers that a value reads."""
    return [b.address for b in getattr(x, "reads", ())]


def buffers_in(x):
    """Names of the buffers that an event speaks of."""
    if isinstance(x, Buffer):
        return [x.address]
    return [b for y in x for b in buffers_in(y)] if isinstance(x, list | tuple) else reads_of(x)


class Step:
    """An equation, or values that move into slots (`before`: who wrote what they read); stores are marked with it.

    piece      the buffer of which some rows are written now; places  where it is read for them
    unwritten  who wrote such a buffer before the first of its rows
    """

    def __init__(self, what):
        self.what, self.operands, self.before = what, set(), {}
        self.piece, self.places, self.unwritten = None, set(), {}

    def __repr__(self):
        return str(self.what)


class Replay:
    """
    writer   who wrote a buffer last
    content  of a variable: its buffers, and who had written them when it was made
    made     the same of the values of variables, by `id`
    operands the same of values that a region or a function is given, by `id`
    buffers  all that there are: what else is loaded is a constant, a stack, a number
    steps    those that go on, the innermost last
    """

    def __init__(self, log):
        self.log = log
        self.writer = defaultdict(lambda: NOBODY)
        self.content, self.operands, self.made = {}, {}, {}
        self.buffers = {b for what, details in log for x in details for b in buffers_in(x)}
        self.steps, self.sides = [Step("the beginning")], []
        self.closes = closing(log)

    def part(self, begin, end):
        i = begin
        while i < end:
            what, details = self.log[i]
            if what == "loop":
                around = self.operands
                for _ in range(2):
                    self.operands = dict(around)
                    self.part(i + 1, self.closes[i])
                i = self.closes[i]
            elif what != "again":
                getattr(self, "on_" + what.replace(" ", "_"))(*details)
            i += 1

    @property
    def step(self):
        return self.steps[-1]

    def now(self, x):
        return {b: self.writer[b] for b in reads_of(x)}

    def fail(self, problem):
        raise WrongLifetime(f"{problem}, in {self.step}")

    # ------------------------------------------------------------ variables

    def on_parameter(self, var, x):
        for b in reads_of(x):
            if b not in self.writer and len(self.steps) == 1:
                self.writer[b] = "the caller"
        self.content[var] = self.made[id(x)] = self.operands.get(id(x)) or self.now(x)

    def on_operand(self, x, value):
        """What a region gets is what the variable was; a copy for it is new."""
        same = isinstance(x, Var) and set(self.content.get(x, ())) == set(reads_of(value))
        self.operands[id(value)] = self.content[x] if same else self.now(value)

    def on_result(self, var, x):
        self.content[var] = self.made[id(x)] = self.now(x)

    def on_read(self, var, x):
        self.step.operands.add(var)
        for b, wrote in self.content[var].items():
            if self.writer[b] not in (wrote, self.step):
                self.fail(f"`{var}` is read from {b}, which {self.writer[b]} wrote since")

    # ------------------------------------------------------------ memory

    def on_load(self, b, whole=None, place=None):
        if b == self.step.piece:
            self.step.places.add(place)
        if whole is not None and self.made.get(id(whole), {}).get(b, self.writer[b]) != self.writer[b]:
            self.fail(f"{b} is read as it was, which {self.writer[b]} wrote since")
        if self.writer[b] is self.step and b in self.step.before:
            self.fail(f"{b} is written before all is read that moves")
        if b not in self.buffers or self.writer[b] in self.steps:
            return
        if self.writer[b] == NOBODY:
            self.fail(f"{b} is read, which nobody wrote")
        if not any(self.content[x].get(b) == self.writer[b] for x in self.step.operands):
            self.fail(f"{b} is read, which holds none of the operands, but what {self.writer[b]} wrote")

    def on_store(self, b, whole=None, place=None):
        if b == self.step.piece and self.step.places - {place}:
            self.fail(f"{b} is read at other places than the one that is written")
        self.writer[b] = self.step

    def on_piece(self, target):
        """Rows that are written on their own: what is read of the same places, earlier pieces left as it was."""
        b = target and target.buffer.address
        self.step.piece, self.step.places = b, set()
        if b is None:
            return
        self.step.unwritten.setdefault(b, self.writer[b])
        self.writer[b] = self.step.unwritten[b]

    def on_give_back(self, buffer):
        self.writer[buffer.address] = NOBODY

    def on_call(self, kept, given, results):
        kept, given = ([b for x in xs for b in reads_of(x)] for xs in (kept, given))
        for b in [*kept, *given]:
            self.on_load(b)
        # a result that is an update of an operand stays there
        apart = {b.address for _, b, *_ in results if isinstance(b, Buffer)} - set(given)
        written = [*given, *apart]
        if len(set(written)) < len(written) or set(written) & set(kept):
            self.fail(f"a function reads {kept} and writes {written}: they must lie apart")
        buffers = [b.address for _, b, *_ in results if isinstance(b, Buffer)]
        if len(set(buffers)) < len(buffers):
            self.fail(f"two results of a function are written to the same place: {buffers}")
        for b in written:
            self.on_store(b)

    # ------------------------------------------------------------ steps

    def on_begin(self, e):
        self.steps.append(Step(f"`{e.outs[0].name if e.outs else ''} = {e.row.name}`"))

    def on_end(self, e):
        self.steps.pop()

    def on_settle(self, buffers, xs):
        step = Step(f"the move into {[b.address for b in buffers if b is not None]}")
        step.moves = list(zip(buffers, xs))
        step.before = {b: w for x in xs for b, w in self.now(x).items()}
        step.operands = [object()]
        self.content[step.operands[0]] = step.before
        self.steps.append(step)

    def on_settled(self):
        step = self.step
        taken = [b for b, _ in step.moves if b is not None]
        if len(set(taken)) < len(taken):
            self.fail("two values move to the same place")
        for b, x in step.moves:
            if b is None or self.writer[b.address] is step:
                continue
            if 0 in x.lengths:
                self.on_store(b.address)  # nothing to write
                continue
            stays = isinstance(x, Stored) and x.buffer is b and x.limits is not None
            if not stays or self.writer[b.address] != step.before[b.address]:
                self.fail(f"{b.address} does not hold what moves there")
        self.steps.pop()
        for b, wrote in self.writer.items():
            if wrote is step:
                self.writer[b] = self.step

    # ------------------------------------------------------------ branches

    def on_then(self):
        self.sides.append((self.writer.copy(), dict(self.operands)))

    def on_else(self):
        before, self.operands = self.sides.pop()
        self.sides.append(self.writer)
        self.writer = before

    def on_join(self):
        then = self.sides.pop()
        for b in {*then, *self.writer}:
            if then[b] != self.writer[b]:
                self.writer[b] = NOBODY if NOBODY in (then[b], self.writer[b]) else Step("one of two sides")


def closing(log):
    """Where each loop of the log ends."""
    begins, found = [], {}
    for i, (what, _) in enumerate(log):
        if what == "loop":
            begins.append(i)
        elif what == "again":
            found[begins.pop()] = i
    return found
