"""A scenario is a row of the table: the same fault some times over, each time from a world that is well.

    for run in scenario("server killed").runs():
        with run:                                   # all clients ask, from before the fault until after it
            run.struck(run.pop.server.kill())
            run.until_left_home()
        assert run.figures["lost"] <= 25
"""

import statistics
import time

import harness

# Clients ask for so long before a fault, and so long after its effect was seen.
BEFORE_S, AFTER_S = 0.6, 0.7
# Of a moment in which two routers each believe the other's route: 10 ms of one client's questions.
LOOPED_MAX = 5


class Run:
    def __init__(self, world, pop):
        self.world = world
        self.pop = pop
        self.client = world.clients[pop.number - 1]
        self.began = None
        self.outcomes = []
        self.figures = {}
        self.died_before = 0

    def __enter__(self):
        self.died_before = self.world.packets_out_of_hops()
        for client in self.world.clients:
            client.begin()
        time.sleep(BEFORE_S)
        return self

    def __exit__(self, kind, problem, trace):
        for client in self.world.clients:
            client.stop()
        self.outcomes = [client.outcome() for client in self.world.clients]
        if kind is None:
            self.measure()

    @property
    def outcome(self):
        """What the client at the fault saw."""
        return self.outcomes[self.pop.number - 1]

    def struck(self, began):
        """The fault happened at this time."""
        self.began = began

    def until_left_home(self, seconds=30):
        """The router leads its clients elsewhere, or nowhere; and then a while longer."""
        assert self.began is not None, "the fault comes first"
        left = harness.until(lambda: self.pop.router.left_home_at(self.began),
                             lambda: f"the route of {self.pop.name} is gone{self.pop.story()}", seconds)
        self.watch(AFTER_S)
        return left - self.began

    def check_unmoved(self):
        """No route changed at the PoP's router, no query was lost, everybody was served by their own PoP."""
        assert self.pop.router.events_since(self.began) == []
        assert self.figures["lost"] == 0
        assert self.outcome.sites() == {self.pop.name}
        self.check_steering()

    def watch(self, seconds):
        """Nothing is to happen for so long, and only time can tell."""
        time.sleep(seconds)

    def until_home_again(self, seconds=harness.DEADLINE_S):
        harness.until(lambda: self.pop.router.is_at_home(),
                      lambda: f"{self.pop.name} is announced again{self.pop.story()}", seconds)
        self.watch(AFTER_S)

    def measure(self):
        # A query that was on its way when the fault struck is lost to it as well.
        begin = self.began - 0.02
        outcome = self.outcome
        left = self.pop.router.left_home_at(self.began)
        levels = [at for at, _ in self.pop.level_changes(self.began - 0.001)]
        elsewhere = outcome.served_elsewhere_at(self.pop.name, self.began) if left else None
        self.figures = {
            "level_s": max(levels[0] - self.began, 0) if levels else None,
            "route_s": left - self.began if left else None,
            "elsewhere_s": elsewhere - self.began if elsewhere else None,
            "lost": len(outcome.lost(begin)),
            "late": sum(len(each.late()) for each in self.outcomes),
            "wrong": sum(len(each.wrong(client.datacenter_address))
                         for client, each in zip(self.world.clients, self.outcomes)),
            "looped": self.world.packets_out_of_hops() - self.died_before,
            "others_lost": sum(len(each.lost()) for each in self.outcomes if each is not outcome),
            "lag_s": max(each.lag_s for each in self.outcomes),
        }
        self.check_before(begin)

    def check_before(self, begin):
        """Until the fault each client was served by the PoP at its own router."""
        for pop, outcome in zip(self.world.pops, self.outcomes):
            assert outcome.sites(end=begin) == {pop.name}, f"{outcome.region} was served by {outcome.sites(end=begin)}"
            assert not outcome.lost(end=begin), f"{outcome.region} lost queries before the fault"

    def check_lost_in_loops_alone(self):
        """Where all PoPs change their routes at once, two routers may for a moment each believe the other's: what they send to
        each other then dies of its hop limit. Nothing else is lost, and no more than that moment."""
        assert self.figures["lost"] + self.figures["others_lost"] <= self.figures["looped"] <= LOOPED_MAX

    def check_steering(self):
        """Whichever PoP answers, clients are led to the datacenter of their region; others noticed nothing."""
        assert self.figures["wrong"] == 0, [each.wrong(client.datacenter_address)[:3]
                                            for client, each in zip(self.world.clients, self.outcomes)]
        assert self.figures["others_lost"] == 0
        for pop, outcome in zip(self.world.pops, self.outcomes):
            assert pop is self.pop or outcome.sites() == {pop.name}, f"{outcome.region}: {outcome.sites()}"


class Scenario:
    def __init__(self, world, name, count, target=None):
        self.world = world
        self.name = name
        self.count = count
        self.target = target or {}  # {figure: what the median is at most}
        self.finished = []
        self.is_dirty = False

    def runs(self, resets="pop"):
        """The PoPs take turns. `resets` says who starts anew after each run: the "pop", "all", or "none", where nothing is
        to be remembered."""
        for number in range(self.count):
            pop = self.world.pops[number % len(self.world.pops)]
            self.is_dirty = True
            run = Run(self.world, pop)
            try:
                yield run
            finally:
                if run.figures:  # also those that are too bad
                    self.finished.append(run.figures)
            self.world.heal(*{"pop": [pop], "all": self.world.pops, "none": []}[resets])
            self.is_dirty = False
        self.check_target()

    def check_target(self):
        """A single run says too little."""
        if self.count < 3:
            return
        for figure, most in self.target.items():
            median = statistics.median(run[figure] for run in self.finished)
            assert median <= most, f"{self.name}: the median of {figure} is {median}, more than {most}: {self.finished}"
