// The forms in which products and convolutions can be computed, for tests that force each.
#pragma once

#include <vector>

#include "../../kernels/forms.hpp"

namespace tinygan::test::all_forms {

using forms::Form;
using forms::Way;

inline const std::vector<Form> ffma_forms{{Way::ffma, 128, 128}, {Way::ffma, 64, 64}, {Way::ffma, 32, 32}};
inline const std::vector<Form> square_forms{{Way::mma, 128, 128}, {Way::mma, 64, 64}};
inline const std::vector<Form> mma_forms{{Way::mma, 128, 128}, {Way::mma, 128, 64}, {Way::mma, 64, 64}};
inline const std::vector<Form> wgmma_forms{{Way::wgmma, 128, 128}, {Way::wgmma, 128, 64}};
inline const std::vector<Form> wgmma_grad_forms{{Way::wgmma, 64, 128}, {Way::wgmma, 128, 64}, {Way::wgmma, 128, 128}};

}  // namespace tinygan::test::all_forms
