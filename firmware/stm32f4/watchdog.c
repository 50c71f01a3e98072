// RM0090 21 (IWDG). The software deadline is the watchdog that decides; IWDG stands behind it, later by a margin, for a
// processor that no longer takes SysTick. QEMU models no IWDG: there the deadline is alone.
#include "watchdog.h"
#include "clock.h"
#include "fault.h"
#include "stm32f4.h"
#include "timebase.h"

#define LSI_MAX_HZ 47000u  // DS8626 table 34: 17..47 kHz. With the fastest LSI the margin still holds.
#define IWDG_MARGIN_MS 100u
#define IWDG_UPDATE_TURNS 100000u

// TIM2's count at the last feeding, and the timeout; each with its complement, so that a bit that turns over in one of them
// is found. The count wraps after 71 minutes, far above every timeout. All zero: not started.
static volatile struct {
    uint32_t fed_us, timeout_us, not_fed_us, not_timeout_us;
} kept;

static void keep(uint32_t fed_us, uint32_t timeout_us) {
    uint32_t state = cpu_mask_all();
    kept.fed_us = fed_us;
    kept.timeout_us = timeout_us;
    kept.not_fed_us = ~fed_us;
    kept.not_timeout_us = ~timeout_us;
    cpu_unmask_all(state);
}

static void iwdg_configure(uint32_t timeout_ms) {
    uint32_t prescaler_bits = 0;
    uint32_t ticks = (timeout_ms + IWDG_MARGIN_MS) * (LSI_MAX_HZ / 1000u) / 4u;
    while (ticks > 0xFFFu && prescaler_bits < 6u) {
        ticks /= 2;
        prescaler_bits++;
    }
    if (ticks > 0xFFFu) {
        ticks = 0xFFFu;
    }
    IWDG->KR = IWDG_KEY_START;
    IWDG->KR = IWDG_KEY_UNLOCK;
    IWDG->PR = prescaler_bits;
    IWDG->RLR = ticks;
    for (uint32_t i = 0; i < IWDG_UPDATE_TURNS && IWDG->SR != 0; i++) {
    }
    IWDG->KR = IWDG_KEY_RELOAD;
}

void watchdog_start(uint32_t timeout_ms) {
    keep(timebase_us32(), timeout_ms * 1000u);
    if (!clock_is_qemu()) {
        iwdg_configure(timeout_ms);
    }
}

void watchdog_feed(void) {
    uint32_t state = cpu_mask_all();
    uint32_t now_us = timebase_us32();
    kept.fed_us = now_us;
    kept.not_fed_us = ~now_us;
    cpu_unmask_all(state);
    if (!clock_is_qemu()) {
        IWDG->KR = IWDG_KEY_RELOAD;
    }
}

void watchdog_excuse(uint32_t us) {
    uint32_t state = cpu_mask_all();
    kept.fed_us += us;
    kept.not_fed_us = ~kept.fed_us;
    cpu_unmask_all(state);
}

bool watchdog_running(void) {
    return (kept.timeout_us | kept.not_timeout_us) != 0;
}

void watchdog_tick(uint32_t now_us, const uint32_t *frame) {
    if (!watchdog_running()) {
        return;
    }
    if (kept.fed_us != ~kept.not_fed_us || kept.timeout_us != ~kept.not_timeout_us) {
        fault_record_and_reset(CRASH_MEMORY, frame);
    }
    if (now_us - kept.fed_us >= kept.timeout_us) {
        fault_record_and_reset(CRASH_WATCHDOG, frame);
    }
}
