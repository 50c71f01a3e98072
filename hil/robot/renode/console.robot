*** Settings ***
Documentation     The prompt of a dev image, by Renode's own keywords alone.
Library           hil.robot.renode_payload.RenodePayload

*** Variables ***
${IMAGE}          ${CURDIR}/../../../build/stm32f4_discovery-dev/firmware.elf

*** Test Cases ***
The Prompt Answers
    Load Program    ${IMAGE}
    Create Terminal Tester    sysbus.usart3    timeout=30    defaultPauseEmulation=true
    Wait For Prompt On Uart    >>>
    Write Line To Uart    print(6 * 7)
    Wait For Line On Uart    42
    Write Line To Uart    import board; print(board.NAME)
    Wait For Line On Uart    stm32f4_discovery

The LED Is On Its Pin
    Load Program    ${IMAGE}
    Create Terminal Tester    sysbus.usart3    timeout=30    defaultPauseEmulation=true
    Wait For Prompt On Uart    >>>
    ${led}=    Create LED Tester    sysbus.gpioPortD.led
    Write Line To Uart    import machine; machine.Pin("LED", machine.Pin.OUT).value(1)
    Assert LED State    true    timeout=5    testerId=${led}    pauseEmulation=true
