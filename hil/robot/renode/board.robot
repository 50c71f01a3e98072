*** Settings ***
Documentation     The payload in Renode, with Renode's own keywords beside ours. Run by renode-test.
Library           DateTime
Library           hil.robot.renode_payload.RenodePayload
Test Setup        Boot Payload

*** Test Cases ***
The Payload Answers
    Payload Should Be Alive
    Nothing Should Be Lost

Time Is Renode's
    ${before}=    Virtual Seconds
    Let Renode Run For    2 s
    ${after}=    Virtual Seconds
    Should Be True    1.99 < ${after} - ${before} < 2.1
    Housekeeping Should Show    core.uptime_s    >=    2

Frames Come Down The Link
    [Documentation]    By Renode's own tester of the UART: the marker that is before each frame.
    Create Terminal Tester    sysbus.usart1    timeout=5    defaultPauseEmulation=true    binaryMode=true
    Wait For Bytes On Uart    1A CF FC 1D
    Payload Should Be Alive

The Program Runs From Flash
    ${pc}=    Execute Command    cpu PC
    ${address}=    Convert To Integer    ${pc.strip()}    16
    Should Be True    0x08000000 <= ${address} < 0x08100000

A Machine Reset Is Told As A Boot
    From Now On
    Execute Command    machine Reset
    Wait For Event    core.boot    count=2    within=20 s

The Processor Can Be Held Without A Word Lost
    Execute Command    cpu IsHalted true
    Let Renode Run For    0.05 s
    Execute Command    cpu IsHalted false
    Payload Should Be Alive

A Sequence Runs In Virtual Time
    Upload And Run Sequence
    ...    R00:00:00 MODES.CHANGE mode=STANDBY
    ...    WAIT core.uptime_s > 6 TIMEOUT 00:00:30
    ...    R00:00:01 CORE.PING
    Housekeeping Should Show    modes.mode    is    STANDBY

*** Keywords ***
Virtual Seconds
    [Documentation]    Renode tells the host's time beside its own.
    ${info}=    Execute Command    emulation GetTimeSourceInfo
    ${found}=    Should Match Regexp    ${info}    Elapsed Virtual Time: ([0-9:.]+)
    ${seconds}=    Convert Time    ${found}[1]
    RETURN    ${seconds}
