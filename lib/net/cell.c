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

uint32_t *cell_columns(const struct cell *c, size_t hidden)
{
    uint32_t *columns = mem_get((size_t)c->gates * hidden, sizeof *columns);
    size_t first = 0, gate = 0;
    for (int phase = 0; phase < c->phases; phase++) {
        size_t of_phase = (size_t)c->phase_gates[phase];
        for (size_t g = 0; g < of_phase; g++, gate++)
            for (size_t j = 0; j < hidden; j++)
                columns[gate * hidden + j] =
                    (uint32_t)(first + (j / CELL_LANES * of_phase + g) * CELL_LANES + j % CELL_LANES);
        first += cell_phase_width(c, hidden, phase);
    }
    return columns;
}
