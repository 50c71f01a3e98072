//
// Parts on an I2C bus for Renode 1.16.1 and later, which has none of them: INA226 (Texas Instruments SBOS547) and TMP117
// (SNOSD82). Their registers have 16 bits, the high octet first, behind a pointer that every transfer for writing sets.
//
// A transfer for reading is answered with the whole register, whatever is asked for: Renode 1.16.1 asks once, for one octet,
// and gives what it got; later versions ask again only when they have run out. 1.16.1 tells no end of a transfer.
//
// A conversion is there at once. Alerts, calibration and EEPROM are registers that keep what is written, and no more. What
// is measured stays over a reset of the machine: that does not change the weather.
//
using System;
using System.Collections.Generic;

using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.I2C;
using Antmicro.Renode.Peripherals.Sensor;

namespace Antmicro.Renode.Peripherals.Perilune
{
    public abstract class WordRegisterPart : II2CPeripheral, ISensor
    {
        public void Write(byte[] data)
        {
            if(data.Length == 0)
            {
                return;
            }
            pointer = data[0];
            if(data.Length == 1)
            {
                return;
            }
            if(data.Length != 3)
            {
                this.Log(LogLevel.Warning, "Expected two octets for register 0x{0:X2}, found {1}", pointer, data.Length - 1);
                return;
            }
            if(!IsWritable(pointer))
            {
                this.Log(LogLevel.Warning, "Register 0x{0:X2} cannot be written", pointer);
                return;
            }
            SetRegister(pointer, (ushort)(data[1] << 8 | data[2]));
        }

        public byte[] Read(int count = 1)
        {
            var value = GetRegister(pointer);
            return new byte[] { (byte)(value >> 8), (byte)value };
        }

        public void FinishTransmission()
        {
        }

        public void Reset()
        {
            pointer = 0;
            words.Clear();
        }

        protected abstract bool IsWritable(byte register);

        // Value after power-on, and for registers that are measured or fixed their value at any time.
        protected abstract ushort ValueOf(byte register);

        protected virtual void SetRegister(byte register, ushort value)
        {
            words[register] = value;
        }

        protected static ushort Counts(decimal value, decimal ofOneCount, int lowest)
        {
            var counts = Math.Round(value / ofOneCount);
            return (ushort)(short)Math.Max(lowest, Math.Min(short.MaxValue, counts));
        }

        private ushort GetRegister(byte register)
        {
            ushort written;
            return words.TryGetValue(register, out written) ? written : ValueOf(register);
        }

        private byte pointer;

        private readonly Dictionary<byte, ushort> words = new Dictionary<byte, ushort>();
    }

    // Voltage and current of one line. microohms: the shunt.
    public class Ina226 : WordRegisterPart
    {
        public Ina226(uint microohms = 10000)
        {
            this.microohms = microohms;
        }

        // Of the bus, V.
        public decimal Voltage { get; set; }

        // Through the shunt, A; signed.
        public decimal Current { get; set; }

        protected override bool IsWritable(byte register)
        {
            return register == Configuration || (register >= Calibration && register <= AlertLimit);
        }

        protected override void SetRegister(byte register, ushort value)
        {
            if(register == Configuration && (value & SoftwareReset) != 0)
            {
                Reset();
                return;
            }
            base.SetRegister(register, value);
        }

        protected override ushort ValueOf(byte register)
        {
            switch(register)
            {
            case Configuration:
                return 0x4127;
            case ShuntVoltage:
                return Counts(Current * microohms / 1000000m, 0.0000025m, short.MinValue);
            case BusVoltage:
                return Counts(Voltage, 0.00125m, 0);
            case Manufacturer:
                return 0x5449;
            case Die:
                return 0x2260;
            default:
                return 0;
            }
        }

        private readonly uint microohms;

        private const byte Configuration = 0x00;
        private const byte ShuntVoltage = 0x01;
        private const byte BusVoltage = 0x02;
        private const byte Calibration = 0x05;
        private const byte AlertLimit = 0x07;
        private const byte Manufacturer = 0xFE;
        private const byte Die = 0xFF;
        private const ushort SoftwareReset = 0x8000;
    }

    // A temperature.
    public class Tmp117 : WordRegisterPart, ITemperatureSensor
    {
        // degC, in steps of 1/128 K.
        public decimal Temperature { get; set; }

        protected override bool IsWritable(byte register)
        {
            return register >= Configuration && register <= LastOfMemory;
        }

        protected override void SetRegister(byte register, ushort value)
        {
            if(register == Configuration && (value & SoftwareReset) != 0)
            {
                Reset();
                return;
            }
            base.SetRegister(register, value);
        }

        protected override ushort ValueOf(byte register)
        {
            switch(register)
            {
            case Result:
                return Counts(Temperature, 0.0078125m, short.MinValue);
            case Configuration:
                return 0x0220;
            case HighLimit:
                return 0x6000;
            case LowLimit:
                return 0x8000;
            case Identity:
                return 0x0117;
            default:
                return 0;
            }
        }

        private const byte Result = 0x00;
        private const byte Configuration = 0x01;
        private const byte HighLimit = 0x02;
        private const byte LowLimit = 0x03;
        private const byte LastOfMemory = 0x08;
        private const byte Identity = 0x0F;
        private const ushort SoftwareReset = 0x0002;
    }
}
