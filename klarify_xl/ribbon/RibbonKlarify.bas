' The tab Klarify: what its controls say, when they can be used, and what they run.
' Written by scripts/build_template.py from klarify_xl/ribbon. What is changed here is lost.
Option Explicit

Private Ribbon As IRibbonUI
Private UsableBefore As String

Sub KlarifyLoad(ribbonUI As IRibbonUI)
    Set Ribbon = ribbonUI
End Sub

Sub KlarifyLabel(control As IRibbonControl, ByRef returnedVal)
    returnedVal = LabelOf(control.ID)
End Sub

Sub KlarifyScreentip(control As IRibbonControl, ByRef returnedVal)
    returnedVal = Said(control.ID & ".screentip")
End Sub

Sub KlarifySupertip(control As IRibbonControl, ByRef returnedVal)
    returnedVal = SupertipOf(control.ID)
End Sub

Sub KlarifyEnabled(control As IRibbonControl, ByRef returnedVal)
    returnedVal = CanUse(control.ID)
End Sub

' {clicks}

' Another cell or sheet was selected: asks for all labels and states again if that matters.
Sub KlarifySelected(ByVal sheet As Object)
    Dim usable As String
    usable = UsableHere()
    If usable <> UsableBefore Then
        UsableBefore = usable
        Redraw
    End If
End Sub

' The sheet was changed, or time has passed: the age of the data is told anew.
Sub KlarifyActivated(ByVal sheet As Object)
    UsableBefore = UsableHere()
    Redraw
End Sub

Private Sub Redraw()
    ' Excel gives the ribbon once; a reset of the VBA project loses it until the file is reopened.
    If Not Ribbon Is Nothing Then Ribbon.Invalidate
End Sub

Private Sub RunEntry(entry As String)
    Dim reason As String
    On Error GoTo Failed
    RunPython "import {module}; {module}." & entry & "()"
    Redraw
    Exit Sub
Failed:
    ' Kept, since the next procedure with an error handler clears it.
    reason = Err.Description
    MsgBox Said("error") & vbCrLf & vbCrLf & reason, vbExclamation, "Klarify"
End Sub

Private Function LabelOf(id As String) As String
    Select Case id
        ' {status labels}
        Case Else: LabelOf = Said(id & ".label")
    End Select
End Function

Private Function SupertipOf(id As String) As String
    SupertipOf = Said(id & ".supertip")
    Select Case id
        ' {status details}
    End Select
End Function

Private Function CanUse(id As String) As Boolean
    Select Case id
        ' {usable cases}
        Case Else: CanUse = True
    End Select
End Function

' What can be used, as a text that changes when that does.
Private Function UsableHere() As String
    ' {usable list}
End Function

Private Function HasTable(table As String) As Boolean
    Dim sheet As Worksheet
    For Each sheet In ThisWorkbook.Worksheets
        If HoldsTable(sheet, table) Then
            HasTable = True
            Exit Function
        End If
    Next sheet
End Function

Private Function HoldsTable(sheet As Worksheet, table As String) As Boolean
    Dim one As ListObject
    For Each one In sheet.ListObjects
        If one.Name = table Then HoldsTable = True
    Next one
End Function

' Tells whether the active sheet has one of some tables, given as "|one|another|".
Private Function OnSheetOf(tables As String) As Boolean
    Dim one As ListObject
    On Error GoTo Unknown
    If Not ActiveWorkbook Is ThisWorkbook Then Exit Function
    For Each one In ActiveSheet.ListObjects
        If InStr(tables, "|" & one.Name & "|") > 0 Then OnSheetOf = True
    Next one
    Exit Function
Unknown:
    OnSheetOf = False
End Function

' Tells whether a row of one of some tables is selected, which is not empty.
Private Function OnRowOf(tables As String) As Boolean
    Dim one As ListObject
    Dim inside As Range
    On Error GoTo Unknown
    If Not ActiveWorkbook Is ThisWorkbook Then Exit Function
    For Each one In ActiveSheet.ListObjects
        If InStr(tables, "|" & one.Name & "|") > 0 And Not one.DataBodyRange Is Nothing Then
            Set inside = Intersect(one.DataBodyRange, ActiveCell.EntireRow)
            If Not inside Is Nothing Then
                If Application.WorksheetFunction.CountA(inside) > 0 Then OnRowOf = True
            End If
        End If
    Next one
    Exit Function
Unknown:
    OnRowOf = False
End Function

Private Function AgeText() As String
    AgeText = AgeWords(RefreshedAt(), UtcNow())
End Function

' Tells how long ago a moment was; 0 stands for one that is not known.
Private Function AgeWords(moment As Date, present As Date) As String
    Dim minutes As Double
    If moment = 0 Then
        AgeWords = Said("never")
        Exit Function
    End If
    If present = 0 Then
        AgeWords = Filled("moment", Format$(moment, "yyyy-mm-dd hh:nn"))
        Exit Function
    End If
    minutes = (CDbl(present) - CDbl(moment)) * 1440
    If minutes < 2 Then
        AgeWords = Said("now")
    ElseIf minutes < 120 Then
        AgeWords = Filled("minutes", CStr(Int(minutes)))
    ElseIf minutes < 2880 Then
        AgeWords = Filled("hours", CStr(Int(minutes / 60)))
    Else
        AgeWords = Filled("days", CStr(Int(minutes / 1440)))
    End If
End Function

Private Function ResultText() As String
    Dim result As String
    result = DocumentProperty("{result}")
    If IsCount(result) Then
        ResultText = Filled("procedures", Format$(CLng(result), "#,##0"))
    ElseIf FailureText() <> "" Then
        ResultText = Said("failed")
    End If
End Function

' Why the last refresh failed, if it did.
Private Function FailureText() As String
    Dim result As String
    result = DocumentProperty("{result}")
    If result <> "-" And Not IsCount(result) Then FailureText = Left$(result, 500)
End Function

Private Function IsCount(result As String) As Boolean
    IsCount = result Like "#*" And Not result Like "*[!0-9]*"
End Function

' When the data was last compared with Klarify (UTC), or 0.
Private Function RefreshedAt() As Date
    RefreshedAt = MomentOf(DocumentProperty("{refreshed}"))
End Function

' Reads a moment such as 2026-03-01T12:00:00Z; 0 if it is none.
Private Function MomentOf(text As String) As Date
    If text Like "####-##-##T##:##:##Z" Then
        MomentOf = DateSerial(CInt(Mid$(text, 1, 4)), CInt(Mid$(text, 6, 2)), CInt(Mid$(text, 9, 2))) _
            + TimeSerial(CInt(Mid$(text, 12, 2)), CInt(Mid$(text, 15, 2)), CInt(Mid$(text, 18, 2)))
    End If
End Function

Private Function DocumentProperty(name As String) As String
    On Error Resume Next
    DocumentProperty = CStr(ThisWorkbook.CustomDocumentProperties(name).Value)
End Function

' The present moment (UTC); 0 where the system does not tell, as on a Mac.
Private Function UtcNow() As Date
    Dim stamp As Object
    On Error GoTo Unknown
    Set stamp = CreateObject("WbemScripting.SWbemDateTime")
    stamp.SetVarDate Now, True
    UtcNow = stamp.GetVarDate(False)
    Exit Function
Unknown:
    UtcNow = 0
End Function

' Tells whether Office speaks German, in whatever country.
Function SpeaksGerman() As Boolean
    On Error GoTo Unknown
    SpeaksGerman = (Application.LanguageSettings.LanguageID(msoLanguageIDUI) And &H3FF) = 7
    Exit Function
Unknown:
    SpeaksGerman = False
End Function

Private Function Filled(what As String, value As String) As String
    Filled = Replace(Said(what), "{n}", value)
End Function

Private Function Said(what As String) As String
    Dim german As Boolean
    german = SpeaksGerman()
    Select Case what
        ' {texts}
    End Select
End Function
