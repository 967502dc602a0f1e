"""The fault harness: the real steps under a scheduler that lets anything fail, at any effect, in any order.

    python -m tests.faults            the short form, as the test runs it
    python -m tests.faults --long     every set of two faults, and many more random schedules

A *schedule* is a scenario (what the client, Runway and the clock do when nothing goes wrong) and its *deviations*: at
the n-th effect of an actor, a fault or a turn of events. What must hold all the same is in `invariants`; that it is
really checked is shown by `guards`, which remove the protocol's guards from the product, one by one.

    actions      what may deviate, effect by effect
    scheduler    actors, time, and who goes next
    machine      generation.asl.yaml, interpreted
    upstream     Runway: what it bought, and how each generation lives by the clock
    invariants   what really happened, kept apart from the product, and what must be true of it
    effects      the ports, each call an effect point
    scenarios    what happens when nothing goes wrong
    run          one schedule
    explorer     many
    guards       the product with one guard less
"""
