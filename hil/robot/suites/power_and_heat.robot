*** Settings ***
Documentation     Power and heat on the simulated Moon: loads, heaters, and what the payload does when they fail.
Library           hil.robot.payload.Payload    ${TARGET}
Test Setup        Boot Payload On The Moon

*** Variables ***
${TARGET}         qemu

*** Test Cases ***
Power Is Measured
    Housekeeping Should Show    power.bus_v    >    20    within=20 s
    Housekeeping Should Show    power.array_w    >    0    within=20 s
    Housekeeping Should Show    power.battery_soc    >    10    within=20 s

The Instrument Can Be Switched On And Off
    Send Telecommand    MODES.CHANGE mode=STANDBY
    Send Telecommand    MODES.CHANGE mode=NOMINAL
    Send Telecommand    POWER.LOAD_ON load=instrument
    Plant Should Show    load_instrument_w    >    1    within=30 s
    Housekeeping Should Show    power.instrument_a    >    0.05    within=30 s
    Send Telecommand    POWER.LOAD_OFF load=instrument
    Plant Should Show    load_instrument_w    <    0.1    within=30 s

Zones Are Measured
    Housekeeping Should Show    thermal.battery_c    >    -15    within=20 s
    Housekeeping Should Show    thermal.electronics_c    <    55    within=20 s

A Broken Sensor Is Left Out
    Housekeeping Should Show    thermal.battery_sensors    is    7    within=30 s
    Inject Fault    sensor_open    sensor=battery.1
    Wait For Event    thermal.sensor_rejected    within=120 s
    Housekeeping Should Show    thermal.battery_c    >    -15    within=20 s

A Lost Feed Is Told
    Housekeeping Should Show    power.feed_present    is    1    within=30 s
    Inject Fault    feed_lost
    Wait For Event    power.feed_lost    within=60 s
    Clear Faults
    Wait For Event    power.feed_back    within=120 s

A Silent Unit Is Told And Comes Back
    Housekeeping Should Show    power.battery_soc    >    10    within=20 s
    Set Parameter    device.stale_s    10
    Inject Fault    slave_silent    unit=power_unit    duration_s=40
    Wait For Event    power.link_lost    within=60 s
    Wait For Event    power.link_back    within=120 s

*** Keywords ***
Boot Payload On The Moon
    Boot Payload
    Target Should Offer    bus
