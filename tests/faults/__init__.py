"""The fault harness: the real steps under a scheduler that makes any effect fail, in any order.

    python -m tests.faults            the short form, as the test runs it
    python -m tests.faults --long     every set of two faults, and many more random schedules

A *schedule* is a scenario (what the client, Runway and the clock do when nothing goes wrong) and its *deviations*: at
the n-th effect of an actor, a fault or a turn of events. The properties that must still hold are in
`invariants`. `guards` shows that they are checked: it removes the protocol's guards from the product, one by one.

    actions      what may deviate, effect by effect
    scheduler    actors, time, and the order of turns
    machine      generation.asl.yaml, interpreted
    upstream     Runway: what it bought, and how each generation lives by the clock
    invariants   a ledger of what happened, separate from the product, and the rules for it
    effects      the ports, each call an effect point
    scenarios    what happens when nothing goes wrong
    run          one schedule
    explorer     many
    guards       the product with one guard less
"""
