"""The farm: a run's steps as fireworks, which rockets carry out on any number of machines.

Before
    `workflow` lays a run out as a chain of fireworks: `begin_run`, for every step its plan and its gate (or one for the
    whole), `finish_run`. `resources` says what each asks of a queue, `moving` brings a run to where its folder is now.

While a rocket works
    A procedure is a `task`, and `assignment` is the step as it sees it. FireWorks calls the task, and this
    `carry_out`, which takes the firework's lease (`holding`), has it kept alive (`heartbeat`) and plays the role
    (`roles`). A plan adds the `sides`; gate and sides claim and commit work items (`replica`); what is to be seen is
    prepared and committed (`publication`). Where the time is over, `successors` go on.

Decisions
    What a replica or a role does next is decided in `decisions`, without clock and database. Why no run is ever wrong
    is docs/protocol.md.

Beside
    `fireworks` alone knows FireWorks' documents. `repair` finds and mends what was lost, `launch` starts rockets,
    `crews` are replicas of several MPI ranks. `allow_list` says what our rockets execute, `holders` who works on a run,
    and `lifeline` ends the ranks of a crew of which one is gone.
"""
