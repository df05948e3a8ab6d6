"""The parts of scripts/gpu-check: cost (predictions), parts (what runs), plan, call and process (how it runs), rows
(what programs report), judge and losses (verdicts), machine (the GPU and its libraries), results (files and table)."""
