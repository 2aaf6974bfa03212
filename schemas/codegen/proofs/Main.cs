using System;
using System.IO;
using System.Text;
using Vcsp;

/// <summary>Decodes lines of messages and encodes them again.</summary>
public static class Program
{
    public static void Main()
    {
        var utf8 = new UTF8Encoding(false);
        using (var input = new StreamReader(Console.OpenStandardInput(), utf8))
        using (var output = new StreamWriter(Console.OpenStandardOutput(), utf8))
        {
            for (string line; (line = input.ReadLine()) != null;)
            {
                output.WriteLine(VcspMessages.FromJson(line).ToJson());
            }
        }
    }
}
