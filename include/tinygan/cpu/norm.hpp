// The normalisation kernels of the contract.
#pragma once

#include <tinygan/cpu/batch_norm.hpp>
#include <tinygan/cpu/layer_norm.hpp>
