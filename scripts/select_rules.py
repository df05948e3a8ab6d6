"""The rules of kernels/select.cuh, in Python: which form a shape is given under limits. A form is (way, tile_m, tile_n, splits).

They repeat with_tile() of gemm_tile.cuh, split_k_count() of tile.cuh, wgmma_suits() and wgmma_taps() of wgmma_taps.cuh,
wgmma_weight_grad_fits() of wgmma_weight_grad.cuh, is_vector() and gemv_splits() of gemm_vector.cuh and one_channel_fits() of conv_1ch.cuh.
`select-kernels --check` compares them with what the kernels chose.
"""

TILE_LIMITS = ("ffma_blocks", "mma_blocks", "split_blocks", "split_terms", "vector_columns", "vector_terms", "one_channel",
               "vector_split_elements")
WGMMA_LIMITS = ("depth_bytes", "columns", "filled", "tiles", "wide_tiles", "copied_side", "grad_fewer", "grad_more",
                "grad_filled", "grad_blocks", "grad_split")

# As one_channel_blocks of kernels/select.cuh.
ONE_CHANNEL_BLOCKS = 264
# Terms of a step: splits of a matrix product are multiples of it.
STEP = {"fp32": 8, "tf32": 32, "bf16": 64}
# Elements of an operand that wgmma reads at once.
PACK = {"tf32": 4, "bf16": 8}


def up(n, unit):
    return -(-n // unit)


def split_k_count(limits, tiles, depth, blocks=None):
    return min(max((blocks or 2 * limits["split_blocks"]) // tiles, 1), max(1, depth // limits["split_terms"]))


def tile_of(limits, precision, m, n, blocks, narrow):
    """(way, tile_m, tile_n) of the tiles that any architecture has; blocks(way, tile_m, tile_n) work on the problem."""
    way = "ffma" if precision == "fp32" else "mma"
    tiles = [(128, 128), (64, 64), (32, 32)] if way == "ffma" else [(128, 128)] + [(128, 64)] * narrow + [(64, 64)]
    for tile_m, tile_n in tiles[:-1]:
        if m > tile_m // 2 and n > tile_n // 2 and blocks(way, tile_m, tile_n) >= limits[way + "_blocks"]:
            return way, tile_m, tile_n
    return (way, *tiles[-1])


def wgmma_suits(limits, precision, pixels, rows, depth, columns):
    return (16 * depth >= limits["depth_bytes"] * PACK[precision] and columns >= limits["columns"] and
            100 * rows >= limits["filled"] * up(rows, 128) * 128 and
            pixels * up(rows, 128) * up(columns, 64) >= limits["tiles"])


def wgmma_form(limits, row_tiles, columns):
    wide = columns > 64 and row_tiles * up(columns, 128) >= limits["wide_tiles"]
    return "wgmma", 128, 128 if wide else 64, 1


def vector_splits(limits, shape):
    """Split-K of a product of a matrix and a vector; blocks as in gemv_plan()."""
    k, column = shape["K"], shape["N"] == 1
    if k == 1:
        return 1
    length = shape["M"] if column else shape["N"]
    dots = length == 1 or (not shape["trans_a"] if column else shape["trans_b"])
    blocks = length if dots else up(length, 64)
    splits = min(max(min(limits["split_blocks"] // blocks, length * k // blocks // limits["vector_split_elements"]), 1), k)
    step = 8 if dots else 1
    return up(k, up(up(k, splits), step) * step)


def product_form(limits, shape):
    m, n, k, precision = shape["M"], shape["N"], shape["K"], shape["precision"]
    if min(m, n, k) == 1 and (min(m, n) <= limits["vector_columns"] or k <= limits["vector_terms"]):
        return "vector", 0, 0, vector_splits(limits, shape)
    if precision in PACK and limits["wgmma"]:
        floats = precision == "tf32"
        a_row = k if floats or not shape["trans_a"] else m
        b_row = k if floats or shape["trans_b"] else n
        worth_copies = precision == "bf16" or min(m, n) >= limits["copied_side"]
        if worth_copies and a_row % PACK[precision] == 0 and b_row % PACK[precision] == 0 and wgmma_suits(limits, precision, 1, m, k, n):
            return wgmma_form(limits, up(m, 128), n)

    def tiles(tile_m, tile_n):
        return up(m, tile_m) * up(n, tile_n)

    form = tile_of(limits, precision, m, n,
                   lambda _, tm, tn: tiles(tm, tn) * split_k_count(limits, tiles(tm, tn), k), False)
    step = STEP[precision]
    split_k = up(up(k, split_k_count(limits, tiles(*form[1:]), k)), step) * step
    return (*form, up(k, split_k))


def blocks_of(shape, way, tile_m, tile_n, rows, columns):
    """Of a launch in these tiles: as it was, or where it was not measured as if all pixels were one group."""
    for form in shape["forms"]:
        if (form["way"], form["tile_m"], form["tile_n"]) == (way, tile_m, tile_n) and form["blocks"] > 0:
            return form["blocks"]
    return up(rows, tile_m) * up(columns, tile_n)


def is_one_channel(shape):
    """Images are taken to be so small that a row of them fits."""
    return 1 in (shape["C"], shape["K"]) and shape["R"] == shape["S"] and 3 <= shape["R"] <= 5


def taps_form(limits, shape):
    """Forward convolution and input gradient: lists of taps."""
    precision, images, adjoint = shape["precision"], shape["images"], shape["op"] == "input_grad"
    if limits["one_channel"] >= 1 and is_one_channel(shape):
        return "one_channel", 0, 0, 1
    depth, columns = (shape["K"], shape["C"]) if adjoint else (shape["C"], shape["K"])
    pixels = shape["H"] * shape["W"] if adjoint else shape["P"] * shape["Q"]
    if precision in PACK and limits["wgmma"]:
        pack = PACK[precision]
        packs = depth % pack == 0 and (precision == "tf32" or columns % pack == 0)
        if packs and wgmma_suits(limits, precision, pixels, images, depth, columns):
            row_tiles = blocks_of(shape, "wgmma", 128, 128, pixels * up(images, 128) * 128, columns) // up(columns, 128)
            return wgmma_form(limits, row_tiles, columns)
    rows = images * pixels
    return (*tile_of(limits, precision, rows, columns,
                     lambda way, tm, tn: blocks_of(shape, way, tm, tn, rows, columns), True), 1)


def weight_grad_form(limits, shape):
    precision, c, k, taps = shape["precision"], shape["C"], shape["K"], shape["R"] * shape["S"]
    depth = shape["images"] * shape["P"] * shape["Q"]
    if limits["one_channel"] >= 1 and is_one_channel(shape):
        rows, images = shape["H"] if c != 1 else shape["P"], shape["images"]  # rows of the side with channels
        band = up(rows, min(max(up(ONE_CHANNEL_BLOCKS, images), 1), rows))
        return "one_channel", 0, 0, min(images * up(rows, band), up(ONE_CHANNEL_BLOCKS, up(max(c, k), 128)))

    def tiles(tile_m, tile_n):
        return taps * up(c, tile_m) * up(k, tile_n)

    def tile_splits(tile_m, tile_n):
        return split_k_count(limits, tiles(tile_m, tile_n), depth)

    if precision == "bf16" and limits["wgmma"] and c % 8 == 0 and k % 8 == 0:
        tile = (64, 128) if c <= 64 else (128, 64) if k <= 64 else (128, 128)
        images = shape["images"]
        splits = split_k_count(limits, tiles(*tile), depth, limits["grad_split"])
        if (min(c, k) >= limits["grad_fewer"] and max(c, k) >= limits["grad_more"] and
                100 * images >= limits["grad_filled"] * up(images, 64) * 64 and
                tiles(*tile) * splits >= limits["grad_blocks"]):
            return ("wgmma", *tile, splits)
    form = tile_of(limits, precision, c, k, lambda _, tm, tn: tiles(tm, tn) * tile_splits(tm, tn), False)
    return (*form, tile_splits(*form[1:]))


def chosen_form(limits, shape):
    if shape["product"]:
        return product_form(limits, shape)
    return weight_grad_form(limits, shape) if shape["op"] == "weight_grad" else taps_form(limits, shape)


def name_of(form):
    way, tile_m, tile_n, splits = form
    return way + (f" {tile_m}x{tile_n}" if tile_m else "") + (f" in {splits}" if splits > 1 else "")
