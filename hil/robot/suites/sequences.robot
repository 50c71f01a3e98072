*** Settings ***
Documentation     Command sequences: loaded, checked, run, waited for.
Library           hil.robot.payload.Payload    ${TARGET}
Test Setup        Boot Payload

*** Variables ***
${TARGET}         qemu

*** Test Cases ***
A Sequence Is Loaded And Run
    Upload And Run Sequence
    ...    R00:00:00 MODES.CHANGE mode=STANDBY
    ...    WAIT core.uptime_s > 4 TIMEOUT 00:00:20
    ...    R00:00:01 CORE.PING
    Housekeeping Should Show    modes.mode    is    STANDBY
    Housekeeping Should Show    core.uptime_s    >=    5

A Wait That Is Not Met Ends The Sequence
    ${id}=    Upload Sequence
    ...    WAIT core.uptime_s > 100000 TIMEOUT 00:00:02
    ...    R00:00:00 MODES.CHANGE mode=STANDBY
    Sequence Should Fail    ${id}
    Housekeeping Should Show    modes.mode    is    SAFE

A Sequence Gets Through A Bad Link
    Make Link Noisy    0.00005
    ${id}=    Upload Sequence
    ...    R00:00:00 MODES.CHANGE mode=STANDBY
    ...    R00:00:01 MODES.CHANGE mode=NOMINAL
    Mend Link
    Run Sequence    ${id}
    Housekeeping Should Show    modes.mode    is    NOMINAL

The Link Comes Back After A Cut
    Break Link
    Let Time Pass    3 s
    Mend Link
    Payload Should Be Alive    within=20 s
