"""Methods in which models read each other: the baselines that SLM-MUX must beat.

    mixture_of_agents           layers of proposers, one aggregator (Wang et al. 2024)
    debate                      rounds of reading the others (Du et al. 2023)
    multi_agent_verification    candidates, aspect verifiers (Lifshitz et al. 2025)
    universal_self_consistency  a model picks the most consistent answer (Chen et al. 2023)

Each is a `Workflow` in a module of its own. `slm_mux.discussion.room` asks the models for it, so
that a draw that was bought before is never bought again.
"""
