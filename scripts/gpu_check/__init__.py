"""The parts of scripts/gpu-check: cost (predictions), parts (what runs), process (how it runs), rows (what programs report), losses
(training against the CPU's), machine (the GPU and its libraries), results (files and the table)."""
