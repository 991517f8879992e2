#include "net/cell.h"

#include "base/mem.h"
#include "math/gemm.h"
#include "net/net_code.h"

const struct net_code *net_code(void)
{
    static const struct net_code *const code[KERN_LEVELS] = KERN_FAMILY(net);
    return code[kern_level()];
}

const struct cell *cell_at(int index)
{
    return &net_code()->cells[index];
}

size_t cell_phase_width(const struct cell *c, size_t hidden, int phase)
{
    return panels(cell_phase_columns(c, hidden, phase)) * PANEL;
}

size_t cell_width(const struct cell *c, size_t hidden)
{
    size_t width = 0;
    for (int phase = 0; phase < c->phases; phase++)
        width += cell_phase_width(c, hidden, phase);
    return width;
}

/* Has the part columns for a gate at this place of its phase? */
static bool has_gate(const struct cell *c, int phase, int place, enum cell_part part)
{
    return part == CELL_INPUT       ? place < c->phase_gates[phase] - c->recurrent_only
           : part == CELL_RECURRENT ? place >= c->input_only
                                    : true;
}

int cell_gates(const struct cell *c, enum cell_part part)
{
    return c->gates - (part == CELL_INPUT ? c->recurrent_only : part == CELL_RECURRENT ? c->input_only : 0);
}

uint32_t *cell_columns(const struct cell *c, size_t hidden, enum cell_part part)
{
    uint32_t *columns = mem_get((size_t)cell_gates(c, part) * hidden, sizeof *columns), *to = columns;
    size_t first = 0;
    const int *place = c->place;
    for (int phase = 0; phase < c->phases; phase++) {
        size_t of_phase = (size_t)c->phase_gates[phase];
        for (size_t g = 0; g < of_phase; g++, place++)
            for (size_t j = 0; has_gate(c, phase, *place, part) && j < hidden; j++)
                *to++ = (uint32_t)(first + (j / CELL_LANES * of_phase + (size_t)*place) * CELL_LANES + j % CELL_LANES);
        first += cell_phase_width(c, hidden, phase);
    }
    return columns;
}
